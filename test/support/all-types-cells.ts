/** Cells for every declared type: the extremes first, then whatever a seeded generator makes of the type. */

/** A seeded generator (mulberry32): `next` is in [0, 1). */
export interface Random {
  next(): number
  /** A whole number of [0, bound). */
  below(bound: number): number
  pick<T>(items: readonly T[]): T
}

export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (bound: number): number => Math.floor(next() * bound)
  return { next, below, pick: items => items[below(items.length)]! }
}

/** How the cells of a column are written. */
export interface CellSource {
  extremes: readonly string[]
  make(random: Random): string
  /** What stands for a missing value, besides the empty cell. */
  missing?: readonly string[]
}

const numberMissing = ['.', ' . ', '  ']

const digits = (random: Random, count: number): string => Array.from({ length: count }, () => random.below(10)).join('')
const pad = (value: number, width = 2): string => String(value).padStart(width, '0')
interface Day {
  /** Four digits. */
  year: string
  month: number
  day: number
}
const pickDay = (random: Random): Day => ({
  year: pad(random.pick([1, 4, 1000, 1582, 1900, 1969, 2000, 2024, 9999]), 4),
  month: 1 + random.below(12),
  day: 1 + random.below(28),
})
const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const clock = (random: Random): string => {
  const fraction = random.below(2) === 0 ? '' : `.${digits(random, 1 + random.below(6))}`
  return `${pad(random.below(24))}:${pad(random.below(60))}:${pad(random.below(60))}${fraction}`
}

export const integerCells: CellSource = {
  extremes: ['-2147483648', '2147483647', '0', '-0', '+7', '007', '3.0', ' 12 ', '-1'],
  make: random => String(Math.floor((random.next() - 0.5) * 2 ** random.below(33))),
  missing: numberMissing,
}

export const bigintCells: CellSource = {
  extremes: [
    ...['-9223372036854775808', '9223372036854775807', '9007199254740992', '9007199254740993', '-9007199254740993'],
    ...['1000000000000000001.00', '+9223372036854775807', '0', '-0', '000000000000000000000000042', '\t5'],
  ],
  make: random => BigInt.asIntN(1 + random.below(64), BigInt(`1${digits(random, 19)}`)).toString(),
  missing: numberMissing,
}

export const doubleCells: CellSource = {
  extremes: [
    ...['5e-324', '-5e-324', '1.7976931348623157e308', '-1.7976931348623157e308', '2.2250738585072014e-308'],
    ...[
      '-0',
      '0',
      '-0.0e5',
      '0.1',
      '.5',
      '5.',
      '1E+10',
      '1e-400',
      '9007199254740993',
      '123456789012345678901234567890',
    ],
    ...['0.30000000000000004', '2.2250738585072011e-308', ' -1.5 ', '4.35', '1e23', '8.5e-323'],
  ],
  make: random =>
    `${random.pick(['', '-', '+'])}${digits(random, 1 + random.below(18))}.${digits(random, 3)}e${random.below(500) - 250}`,
  missing: numberMissing,
}

export const booleanCells: CellSource = {
  extremes: ['true', 'false', 'True', 'FALSE', 't', 'F', 'yes', 'No', 'Y', 'n', '1', '0', ' true '],
  make: random => random.pick(['true', 'false']),
  missing: ['  '],
}

/** Decimals of that many digits, of which `scale` stand after the point. */
export function decimalCells(precision: number, scale: number): CellSource {
  const point = (unscaled: string): string => {
    const all = unscaled.padStart(scale, '0')
    const cut = all.length - scale
    return scale === 0 ? all : `${all.slice(0, cut)}.${all.slice(cut)}`
  }
  const largest = point('9'.repeat(precision))
  return {
    extremes: [
      ...[largest, `-${largest}`, `+${largest}`, point('1'), `-${point('1')}`, '0', '-0.0', ` ${largest} `],
      // Zeros beyond the scale and an exponent change nothing.
      ...[scale === 0 ? `${largest}.000` : `${largest}000`, `00${largest}`, `${'9'.repeat(precision)}e-${scale}`],
      ...[`1e-${scale}`, point(`1${'0'.repeat(precision - 1)}`)],
    ],
    make: random => `${random.pick(['', '-'])}${point(digits(random, 1 + random.below(precision)))}`,
    missing: numberMissing,
  }
}

const isoDate = ({ year, month, day }: Day, mark = '-'): string => `${year}${mark}${pad(month)}${mark}${pad(day)}`
const sasDate = ({ year, month, day }: Day): string => `${pad(day)}${months[month - 1]}${year}`
const isoExtremes = ['0001-01-01', '9999-12-31', '1970-01-01', '1969-12-31', '2000-02-29', '1900-02-28', '1582-10-10']
const sasExtremes = ['01JAN0001', '31DEC9999', '02JAN2014', '29feb2000', '1Jan1960']

/** Dates as a column of that format has them; without a format, in ISO and in SAS notation. */
export function dateCells(format?: string): CellSource {
  const notations: Record<string, CellSource> = {
    'DATE9.': { extremes: [...sasExtremes, '2014-01-02'], make: random => sasDate(pickDay(random)) },
    'E8601DA.': { extremes: isoExtremes, make: random => isoDate(pickDay(random)) },
    'YYMMDD10.': {
      extremes: [...isoExtremes, '2014/01/02', '2014.01.02'],
      make: random => isoDate(pickDay(random), random.pick(['-', '/'])),
    },
    'YYMMDDN8.': { extremes: ['00010101', '99991231'], make: random => isoDate(pickDay(random), '') },
    'MMDDYY10.': {
      extremes: ['01/31/2014', '12-31-9999'],
      make: random => {
        const { year, month, day: ofMonth } = pickDay(random)
        return `${pad(month)}/${pad(ofMonth)}/${year}`
      },
    },
    'DDMMYY10.': {
      extremes: ['31/01/2014', '31.12.9999'],
      make: random => {
        const { year, month, day: ofMonth } = pickDay(random)
        return `${pad(ofMonth)}/${pad(month)}/${year}`
      },
    },
  }
  const any: CellSource = {
    extremes: [...isoExtremes, ...sasExtremes, ' 2014-01-02 '],
    make: random => (random.below(2) === 0 ? isoDate(pickDay(random)) : sasDate(pickDay(random))),
  }
  return { ...((format && notations[format]) || any), missing: ['.', '  '] }
}

export const timestampCells: CellSource = {
  extremes: [
    ...[
      '0001-01-01T00:00:00',
      '9999-12-31T23:59:59.999999',
      '1970-01-01 00:00:00.000001',
      '1969-12-31T23:59:59.999999',
    ],
    ...[
      '2014-07-02T11:45',
      '02JAN2014:11:45:00',
      '02JAN2014:11:45:00.5',
      '31DEC9999:23:59:59.999999',
      '01JAN0001:00:00',
    ],
  ],
  make: random =>
    random.below(2) === 0
      ? `${isoDate(pickDay(random))}T${clock(random)}`
      : `${sasDate(pickDay(random))}:${clock(random)}`,
  missing: ['.', ' '],
}

export const timeCells: CellSource = {
  extremes: ['00:00', '00:00:00', '23:59:59.999999', '00:00:00.000001', '9:05', '11:45:00.5', ' 12:00 '],
  make: clock,
  missing: ['.', ' '],
}

const texts = [
  ...['plain', ' leading', 'trailing ', '  both  ', ' ', '\t', '.', 'NULL', 'NaN', 'None', 'true', '-', '=1+1', "it's"],
  ...[
    'a "quoted" word',
    '"',
    '""',
    '"start',
    'end"',
    'comma, semicolon; tab\t',
    'line\nbreak',
    'two\r\nlines',
    'old\rmac',
  ],
  ...['\n', '\r\n', 'back\\slash', '{"json": [1, 2]}', '<b>&amp;</b>', '%20', '\u00a0no-break\u00a0', 'ÄÖÜäöüß', 'é'],
]
const wideTexts = [
  ...[
    'e\u0301 combined',
    '👩‍👩‍👧‍👦 family',
    '🇩🇪',
    '𝒳 outside the basic plane',
    '\u{10ffff}',
    '\ufffd',
    'شكرا',
    '日本語',
    'ﬀ',
  ],
  ...[
    '\u200dzero-width',
    'soft\u00adhyphen',
    '\u2028line separator',
    '\u0085next line',
    'in\ufeffside',
    'z\u0335\u0321',
  ],
]

/** Text of all kinds; `latin1` = only what ISO-8859-1 has, its control characters among them. */
export function textCells({
  latin1 = false,
  longest = 70_000,
}: {
  latin1?: boolean
  longest?: number
} = {}): CellSource {
  const highest = latin1 ? 0xff : 0x2fff
  return {
    extremes: [
      ...texts,
      ...(latin1 ? ['\u0080\u0099\u009f', 'ÿþ', '\u0001'] : wideTexts),
      // Longer than a page's bounds, than a page, and cut for a bound in the middle of a character.
      ...['x'.repeat(longest), `${'ß'.repeat(61)}é`, `${(latin1 ? 'ÿ' : '\u{10ffff}').repeat(40)}`],
    ],
    make: random =>
      Array.from({ length: 1 + random.below(30) }, () => {
        const code = random.below(3) === 0 ? 0x20 + random.below(0x5f) : 0xa1 + random.below(highest - 0xa0)
        return String.fromCodePoint(code)
      }).join(''),
  }
}
