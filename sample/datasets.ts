import type { FieldType } from '../lib/fields.ts'

/** A column of the sample. Its CSV text follows `format` where there is one. */
export interface SampleColumn {
  name: string
  /** As the plain dialect writes it. */
  type: Exclude<FieldType['kind'], 'decimal'> | `decimal(${number},${number})`
  label: string
  format?: string
  /** Characters: PROC CONTENTS says how long a text is. */
  length?: number
  /** Not yet there in the version with fewer columns. */
  late?: boolean
}

export interface Dataset {
  name: string
  columns: SampleColumn[]
}

const text = (name: string, length: number, label: string): SampleColumn => ({ name, type: 'string', length, label })
const patient = text('PATIENT_ID', 5, 'Patient')
const visit = text('VISIT_ID', 8, 'Visit')
const location = text('LOCATION_ID', 3, 'Site')

/** The sample's datasets with all their columns, in the order of the contents file. */
export const datasets: Dataset[] = [
  {
    name: 'locations',
    columns: [
      location,
      text('NAME', 40, 'Name of the site'),
      text('CITY', 20, 'City'),
      text('COUNTRY', 2, 'Country, ISO 3166'),
      { name: 'OPENED_ON', type: 'date', format: 'YYMMDD10.', label: 'First day of the site' },
      { name: 'BEDS', type: 'bigint', label: 'Beds for the study' },
    ],
  },
  {
    name: 'patients',
    columns: [
      patient,
      location,
      text('SEX', 1, 'Sex'),
      { name: 'BIRTH_DATE', type: 'date', format: 'DATE9.', label: 'Date of birth' },
      { name: 'ENROLLED_ON', type: 'date', format: 'DATE9.', label: 'Date of enrolment' },
      text('ARM', 12, 'Treatment arm'),
      { name: 'HEIGHT_CM', type: 'double', label: 'Height in cm' },
      { name: 'WEIGHT_KG', type: 'double', label: 'Weight in kg at enrolment' },
    ],
  },
  {
    name: 'visits',
    columns: [
      visit,
      patient,
      location,
      { name: 'VISIT_NUM', type: 'bigint', label: 'Number of the visit' },
      text('VISIT_NAME', 12, 'Name of the visit'),
      { name: 'VISIT_DATE', type: 'date', format: 'DATE9.', label: 'Date of the visit' },
      { name: 'START_TIME', type: 'time', format: 'TIME5.', label: 'Time of arrival' },
      { name: 'RECORDED_AT', type: 'timestamp', format: 'E8601DT.', label: 'Time of data entry', late: true },
    ],
  },
  {
    name: 'adverse_events',
    columns: [
      text('AE_ID', 6, 'Adverse event'),
      patient,
      visit,
      text('TERM', 30, 'Reported term'),
      text('SEVERITY', 8, 'Severity'),
      { name: 'START_DATE', type: 'date', format: 'DATE9.', label: 'First day' },
      { name: 'END_DATE', type: 'date', format: 'DATE9.', label: 'Last day, empty while it goes on' },
      { name: 'SERIOUS', type: 'boolean', label: 'Serious event', late: true },
      { ...text('NOTE', 120, 'Note of the investigator'), late: true },
    ],
  },
  {
    name: 'lab_results',
    columns: [
      { name: 'RESULT_ID', type: 'bigint', label: 'Result' },
      patient,
      visit,
      text('TEST', 8, 'Test'),
      { name: 'RESULT', type: 'double', label: 'Result of the test' },
      text('UNIT', 10, 'Unit of the result'),
      { name: 'SAMPLED_AT', type: 'timestamp', format: 'DATETIME20.', label: 'Time of sampling' },
      { name: 'DILUTION', type: 'integer', label: 'Dilution factor', late: true },
      { name: 'COST_EUR', type: 'decimal(8,2)', label: 'Cost in euro', late: true },
      { name: 'FASTING', type: 'boolean', label: 'Patient had fasted', late: true },
    ],
  },
]
