/** One record of a sample's CSV file: column name to text. */
export type Row = Record<string, string>

/** Numbers in [0, 1) that depend on nothing but the seed: the mulberry32 generator. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const two = (value: number): string => String(value).padStart(2, '0')
const day = (year: number, month: number, date: number): Date => new Date(Date.UTC(year, month - 1, date))
const addDays = (date: Date, days: number): Date => new Date(date.getTime() + days * 86_400_000)
/** SAS's DATE9. format. */
const date9 = (date: Date): string => `${two(date.getUTCDate())}${months[date.getUTCMonth()]}${date.getUTCFullYear()}`
const isoDate = (date: Date): string => date.toISOString().slice(0, 10)

const sites = [
  ['Hafen Clinic', 'Hamburg', 'DE'],
  ['Brain, Nerve & Memory Centre', 'Basel', 'CH'],
  ['Hôpital du Lac', 'Genève', 'CH'],
  ['St. Mary\'s "Old" Hospital', 'Cork', 'IE'],
  ['Klinikum Süd', 'Nürnberg', 'DE'],
] as const
const visitNames = ['Screening', 'Baseline', 'Week 4', 'Week 12']
const visitDays = [-14, 0, 28, 84]
const terms = ['Headache', 'Nausea', 'Dizziness', 'Fatigue', 'Rash', 'Back pain', 'Insomnia']
const notes = [
  '',
  'Resolved without treatment.',
  'Patient said: "worse in the morning".',
  'Seen twice,\nthen not again.',
  'Dose lowered, then kept.',
]
const tests = [
  { test: 'GLUC', unit: 'mmol/L', low: 3.9, high: 9.5, cost: 3.2 },
  { test: 'ALT', unit: 'U/L', low: 7, high: 62, cost: 4.75 },
] as const

/** The rows of every dataset of the original version. */
export function makeRows(seed: number): Map<string, Row[]> {
  const random = createRandom(seed)
  const below = (limit: number): number => Math.floor(random() * limit)
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)]!

  const locations = sites.map(([name, city, country], index) => ({
    LOCATION_ID: `L${two(index + 1)}`,
    NAME: name,
    CITY: city,
    COUNTRY: country,
    OPENED_ON: isoDate(day(2013, 1 + below(12), 1 + below(28))),
    BEDS: String(4 + below(20)),
  }))

  const patients: Row[] = []
  const visits: Row[] = []
  const events: Row[] = []
  const results: Row[] = []
  for (let number = 1; number <= 36; number++) {
    const patient = `P-${String(number).padStart(3, '0')}`
    const location = pick(locations).LOCATION_ID
    const baseline = day(2014, 1 + below(10), 1 + below(28))
    patients.push({
      PATIENT_ID: patient,
      LOCATION_ID: location,
      SEX: pick(['F', 'M']),
      BIRTH_DATE: date9(day(1935 + below(45), 1 + below(12), 1 + below(28))),
      ENROLLED_ON: date9(addDays(baseline, -14)),
      ARM: pick(['Placebo', 'Active']),
      HEIGHT_CM: (150 + random() * 45).toFixed(1),
      // SAS writes a missing number as a point.
      WEIGHT_KG: random() < 0.08 ? '.' : (48 + random() * 55).toFixed(1),
    })

    visitNames.forEach((name, index) => {
      const date = addDays(baseline, visitDays[index]!)
      const visit = `${patient}-${two(index + 1)}`
      const [hour, minute] = [7 + below(9), 5 * below(12)]
      visits.push({
        VISIT_ID: visit,
        PATIENT_ID: patient,
        LOCATION_ID: location,
        VISIT_NUM: String(index + 1),
        VISIT_NAME: name,
        VISIT_DATE: date9(date),
        START_TIME: `${two(hour)}:${two(minute)}`,
        RECORDED_AT: `${isoDate(addDays(date, below(3)))}T${two(16 + below(4))}:${two(below(60))}:${two(below(60))}`,
      })
      for (const { test, unit, low, high, cost } of tests) {
        const dilution = random() < 0.15 ? 1 + below(9) : 1
        results.push({
          RESULT_ID: String(100_000 + results.length + 1),
          PATIENT_ID: patient,
          VISIT_ID: visit,
          TEST: test,
          RESULT: random() < 0.04 ? '.' : (low + random() * (high - low)).toFixed(1),
          UNIT: unit,
          SAMPLED_AT: `${date9(date)}:${two(hour)}:${two(minute)}:${two(below(60))}`,
          DILUTION: String(dilution),
          COST_EUR: (cost * dilution).toFixed(2),
          FASTING: pick(['true', 'false']),
        })
      }
      if (index > 0 && random() < 0.5) {
        const start = addDays(date, below(20))
        events.push({
          AE_ID: `AE${String(events.length + 1).padStart(4, '0')}`,
          PATIENT_ID: patient,
          VISIT_ID: visit,
          TERM: pick(terms),
          SEVERITY: pick(['MILD', 'MILD', 'MODERATE', 'SEVERE']),
          START_DATE: date9(start),
          END_DATE: random() < 0.25 ? '' : date9(addDays(start, 1 + below(9))),
          SERIOUS: random() < 0.1 ? 'true' : 'false',
          NOTE: pick(notes),
        })
      }
    })
  }
  return new Map<string, Row[]>([
    ['locations', locations],
    ['patients', patients],
    ['visits', visits],
    ['adverse_events', events],
    ['lab_results', results],
  ])
}
