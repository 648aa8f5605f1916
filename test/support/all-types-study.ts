import {
  bigintCells,
  booleanCells,
  type CellSource,
  createRandom,
  dateCells,
  decimalCells,
  doubleCells,
  integerCells,
  type Random,
  textCells,
  timeCells,
  timestampCells,
} from './all-types-cells.ts'
import { type CsvForm, writeCsv } from './write-csv.ts'

/** A column to be declared and filled. */
interface Column {
  name: string
  /** Of the plain dialect; in the PROC CONTENTS dialect only `string` and the rest are told apart. */
  type: string
  format?: string
  label?: string
  required?: boolean
  cells: CellSource
}

interface Table {
  name: string
  /** The landing file, where it is not the name with `.csv`. */
  file?: string
  columns: Column[]
  rows: number
  form?: CsvForm
  /** Columns stand in another order than declared. */
  shuffled?: boolean
}

const column = (name: string, type: string, cells: CellSource, more: Partial<Column> = {}): Column => ({
  name,
  type,
  cells,
  ...more,
})
/** Extremes only, and as natural keys: parts of them come again and again. */
const oneOf = (values: string[], missing?: string[]): CellSource => ({
  extremes: [],
  make: random => random.pick(values),
  missing,
})

const subjects = [
  ...['01-701-1015', '01-701-1023', '01-701-1015 ', ' 01-701-1015', '01-701-1015a', '01-701-1015A', 'é', 'e\u0301'],
  ...['x"y', 'x,y', 'x;y', 'x\ty', 'two\nlines', '👩‍👩‍👧‍👦', '1:2', '0', '00', '.', 'NULL', 'z'.repeat(300)],
]
const subject = (values: string[], required = false): Column =>
  column('USUBJID', 'string', oneOf(values), { required, label: 'Unique Subject Identifier' })

const plainTypes: [type: string, cells: CellSource, format?: string][] = [
  ['string', textCells()],
  ['integer', integerCells],
  ['bigint', bigintCells],
  ['double', doubleCells],
  ['boolean', booleanCells],
  ['date', dateCells()],
  ['timestamp', timestampCells],
  ['time', timeCells],
  ['decimal(9,2)', decimalCells(9, 2)],
  ['decimal(18,6)', decimalCells(18, 6)],
  ['decimal(38,10)', decimalCells(38, 10)],
  ['date', dateCells('DATE9.'), 'DATE9.'],
  ['date', dateCells('E8601DA.'), 'E8601DA.'],
  ['date', dateCells('YYMMDD10.'), 'YYMMDD10.'],
  ['date', dateCells('YYMMDDN8.'), 'YYMMDDN8.'],
  ['date', dateCells('MMDDYY10.'), 'MMDDYY10.'],
  ['date', dateCells('DDMMYY10.'), 'DDMMYY10.'],
  ['timestamp', timestampCells, 'DATETIME20.'],
  ['timestamp', timestampCells, 'E8601DT.'],
  ['time', timeCells, 'TIME8.'],
]
const nameOf = (type: string, format = ''): string => `${type}_${format}`.replaceAll(/\W+/g, '_')

/** Every type three times: with and without nulls, and with nothing but nulls. */
const everyType: Column[] = plainTypes.flatMap(([type, cells, format]) => [
  column(nameOf(type, format), type, cells, { format, label: `A ${type}, "may be missing"` }),
  column(`${nameOf(type, format)}_REQUIRED`, type, cells, { format, required: true }),
  column(`${nameOf(type, format)}_null`, type, oneOf([''], cells.missing?.slice()), { format }),
])

const everyDecimal: Column[] = [1, 9, 10, 18, 19, 38].flatMap(precision =>
  Array.from({ length: precision + 1 }, (_, scale) =>
    column(`D${precision}_${scale}`, `decimal(${precision},${scale})`, decimalCells(precision, scale)),
  ),
)

const oddNames: Column[] = [
  ...['Weight (kg)', 'a.b', 'a.b.c', 'größe', 'x;y', 'x,y', 'tab-less name', 'say "hi"', '100%', 'select', '__', '1st'],
  ...[
    'e\u0301',
    '日本語',
    '👍',
    "it's",
    'a/b\\c',
    '`tick`',
    '{x}',
    '[0]',
    '$ref',
    '#',
    'UPPER',
    'ſ',
    '_x2E',
    'n'.repeat(255),
  ],
].map((name, at) => {
  const [type, cells] = plainTypes[at % 9]!
  return column(name, type, cells, { label: `Label of ${name.slice(0, 60)}; ünïcode 👍` })
})

function plainTables(rows: number): Table[] {
  const visit = column(
    'VisitNum',
    'decimal(5,2)',
    oneOf(['1', '1.0', '1.00', '1.10', '1.1', '2', '100.25', '-1'], ['.']),
  )
  const device = [
    column('device id', 'bigint', oneOf(['9007199254740992', '9007199254740993', '1'], ['.'])),
    column('On', 'boolean', oneOf(['true', 'no'], ['  '])),
    column('since', 'timestamp', oneOf(['0001-01-01T00:00:00', '2014-01-02T11:45:00.000001'], ['.'])),
  ]
  return [
    {
      name: 'dm',
      columns: [
        subject(subjects, true),
        column('SITEID', 'string', oneOf(['701', '0701', ' 701'])),
        ...everyType.slice(0, 6),
      ],
      rows: 40,
    },
    {
      name: 'sv',
      columns: [visit, subject(subjects), column('Comment', 'string', textCells())],
      rows,
      form: { separator: ';', lineEnd: '\r\n', encoding: 'utf-16le' },
      shuffled: true,
    },
    {
      name: 'every_type',
      columns: [...everyType, subject([...subjects, 'only here'])],
      rows,
      form: { lineEnd: '\r\n' },
      shuffled: true,
    },
    {
      name: 'decimals',
      file: 'Decimals.csv',
      columns: everyDecimal,
      rows: 60,
      form: { separator: '\t', encoding: 'utf-8-bom' },
    },
    {
      name: 'texts',
      columns: Array.from({ length: 4 }, (_, at) => column(`text${at}`, 'string', textCells())),
      rows,
      form: { separator: '\t', lineEnd: '\r', encoding: 'utf-16be', closed: false },
    },
    { name: 'odd_names', columns: oddNames, rows: 70, form: { separator: ';', quotedHeader: true }, shuffled: true },
    { name: 'devices', columns: [...device, visit, subject(subjects)], rows, form: { closed: false } },
    {
      name: 'no_rows',
      columns: [...everyType, ...device, subject(subjects)],
      rows: 0,
      form: { closed: false, encoding: 'utf-8-bom' },
    },
    { name: 'one_column', columns: [column('only', 'string', textCells())], rows: 30 },
    { name: 'only_nulls', columns: everyType.filter(({ name }) => name.endsWith('_null')), rows: 100 },
  ]
}

const procFormats: [format: string, cells: CellSource][] = [
  ...['DATE9.', 'E8601DA.', 'YYMMDD10.', 'MMDDYY10.'].map((format): [string, CellSource] => [
    format,
    dateCells(format),
  ]),
  ['DATETIME20.', timestampCells],
  ['E8601DT.', timestampCells],
  ['TIME5.', timeCells],
  ['8.', bigintCells],
  ['8.2', doubleCells],
  ['BEST12.', doubleCells],
  ['', doubleCells],
]

function procTables(rows: number, { latin1 = false }: { latin1?: boolean } = {}): Table[] {
  const encoding = latin1 ? 'latin1' : 'utf-8'
  const text = textCells({ latin1, longest: 3000 })
  const known = latin1 ? ['01-701-1015', 'é', 'ÿ', 'x"y', ' '] : [...subjects.slice(3), 'new\r\nhere', '𝒳']
  const numbers = procFormats.map(([format, cells]) =>
    column(`N${nameOf(format)}`, 'number', cells, {
      format,
      label: `as ${format || 'nothing'}, ${latin1 ? 'größer' : '≥ 0'}`,
    }),
  )
  const words = ['$CHAR20.', '$20.', ''].map(format => column(`C${nameOf(format)}`, 'string', text, { format }))
  const visit = column('VISITNUM', 'number', oneOf(['1', '1.1', '2', '100.25', '7.5e0', '-1.00'], ['.']))
  return [
    {
      name: 'DM',
      columns: [subject(known), column('SITEID', 'string', oneOf(['701', '702'])), ...words],
      rows: 30,
      form: { encoding },
    },
    {
      name: 'LB',
      file: 'LB.csv',
      columns: [...numbers, subject(known), ...words, visit],
      rows,
      form: { encoding, separator: ';', lineEnd: '\r\n', quotedHeader: true },
      shuffled: true,
    },
    { name: 'TX', columns: [...words, subject(known)], rows: 50, form: { encoding: 'utf-16le' } },
    { name: 'NONE', columns: [subject(known), visit, ...numbers], rows: 0, form: { encoding, lineEnd: '\r\n' } },
  ]
}

function fillRows({ columns, rows }: Table, random: Random): string[][] {
  return Array.from({ length: rows }, (_, row) =>
    columns.map(({ cells, required }) => {
      // Extremes come first; the shift keeps the columns of one type apart.
      const at = row - (required ? 0 : 1)
      if (at >= 0 && at < cells.extremes.length) return cells.extremes[at]!
      if (!required && random.below(6) === 0) return random.pick(['', '', ...(cells.missing ?? [])])
      return cells.make(random)
    }),
  )
}

function shuffle<T>(items: T[], random: Random): T[] {
  const keyed = items.map(item => ({ item, key: random.next() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}

function writeTable(table: Table, random: Random): Uint8Array {
  const rows = fillRows(table, random)
  const positions = table.columns.map((_, position) => position)
  const order = table.shuffled ? shuffle(positions, random) : positions
  const data = {
    header: order.map(position => table.columns[position]!.name),
    rows: rows.map(row => order.map(position => row[position]!)),
  }
  return writeCsv(data, table.form ?? {}, random)
}

function writePlainContents(tables: Table[], random: Random): Uint8Array {
  const rows = tables.flatMap(({ name, columns }) =>
    columns.map(({ name: field, type, label = '', required = false, format = '' }) => [
      ...[name, field, type, label, required ? 'false' : random.pick(['true', '']), format],
    ]),
  )
  const header = ['dataset', 'field', 'type', 'label', 'nullable', 'format']
  return writeCsv({ header, rows }, { separator: ';', lineEnd: '\r\n', encoding: 'utf-8-bom' }, random)
}

/** Rows in another order than that of the columns: VARNUM tells it. */
function writeProcContents(tables: Table[], form: CsvForm, random: Random): Uint8Array {
  const rows = tables.flatMap(({ name, columns }) =>
    shuffle(
      columns.map(({ name: field, type, label = '', format = '' }, at) => [
        ...[name, field, type === 'string' ? '2' : '1', '8', String(at + 1), label, format],
      ]),
      random,
    ),
  )
  return writeCsv({ header: ['MEMNAME', 'NAME', 'TYPE', 'LENGTH', 'VARNUM', 'LABEL', 'FORMAT'], rows }, form, random)
}

/** The natural keys of the generated study, by entity. */
export const allTypesEntities = {
  patient: ['usubjid'],
  visit: ['USUBJID', 'VISITNUM'],
  site: ['SITEID'],
  device: ['Device ID', 'on', 'since'],
}
export const allTypesStudy = 'all-types'
export const allTypesLatin1Study = 'all-types-latin1'

/**
 * Two made-up studies, as landing objects by key: `all-types` with the versions `plain` and `proc`, one in each dialect of the contents
 * file, and `all-types-latin1` with the version `proc`. Between them they have every declared type with its extremes and with nulls, every
 * encoding, separator and line end, odd column names, natural keys of several types, and datasets without rows. `rows` is the number of rows of
 * the larger datasets; at 60 or more every extreme is in. Equal seeds give equal bytes.
 */
export function makeAllTypesStudy({ seed, rows }: { seed: number; rows: number }): {
  files: Record<string, Uint8Array>
} {
  const random = createRandom(seed)
  const files: Record<string, Uint8Array> = {}
  const add = (folder: string, tables: Table[], contents: Uint8Array): void => {
    for (const table of tables)
      files[`${folder}/${table.file ?? `${table.name.toLowerCase()}.csv`}`] = writeTable(table, random)
    files[`${folder}/contents.csv`] = contents
  }
  const entities = Object.entries(allTypesEntities).map(([name, naturalKey]) => [name, { naturalKey }])
  const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value))

  files[`${allTypesStudy}/study.json`] = json({ entities: Object.fromEntries(entities) })
  const plain = plainTables(rows)
  add(`${allTypesStudy}/plain`, plain, writePlainContents(plain, random))
  const proc = procTables(rows)
  add(`${allTypesStudy}/proc`, proc, writeProcContents(proc, { encoding: 'utf-16le' }, random))

  files[`${allTypesLatin1Study}/study.json`] = json({ encoding: 'latin1' })
  const latin1 = procTables(rows, { latin1: true })
  add(`${allTypesLatin1Study}/proc`, latin1, writeProcContents(latin1, { encoding: 'latin1' }, random))
  return { files }
}
