import type { Field } from '../../lib/fields.ts'
import { currentSnapshot, formatTableMetadata } from '../../lib/iceberg/metadata.ts'
import { readDataFiles, readManifests } from '../../lib/iceberg/read-table.ts'
import { contentsPath, versionPath } from '../../lib/layout.ts'
import { changeTable } from './change-table.ts'
import type { Cell } from './columns.ts'
import {
  addDeletes,
  all,
  type Change,
  copy,
  type Desk,
  damage,
  edit,
  editColumns,
  editContents,
  editDeclared,
  editFile,
  editRecord,
  editTable,
  pathOf,
  put,
  refill,
  remove,
  rewrite,
  takeFrom,
  write,
} from './gate-cases.ts'
import { addWork, growWork, note, readWork } from './gate-work-tables.ts'

const bucketOf = ({ test }: Desk): string => test.environment.lake.bucket
const manifest = (change: Record<string, number>): Change =>
  rewrite('raw.dm', { list: ([first]) => Object.assign(first!, change) })
const listOf: Parameters<typeof damage>[1] = metadata => currentSnapshot(metadata)!['manifest-list']
const manifestOf: Parameters<typeof damage>[1] = async (metadata, desk) =>
  (await readManifests(desk.test.environment.lake, metadata))[0]!.listed.address
const fileAddress: Parameters<typeof damage>[1] = async (metadata, desk) =>
  (await readDataFiles(desk.test.environment.lake, metadata))[0]!.address
const replaceField = (at: number, more: Partial<Field>) => (fields: Field[]) =>
  fields.map((field, index) => (index === at ? { ...field, ...more } : field))
const cell = (row: number, column: number, value: (rows: Cell[][]) => Cell) => (content: { rows: Cell[][] }) => ({
  rows: content.rows.map((cells, at) => (at === row ? cells.with(column, value(content.rows)) : cells)),
})
const inPlace = { inPlace: true }
const path: Field = { id: 2147483546, name: 'file_path', type: { kind: 'string' }, nullable: false }
const pos: Field = { id: 2147483545, name: 'pos', type: { kind: 'bigint' }, nullable: false }

/** Ways to make schema and data disagree: what is done, the code, how. dm: USUBJID, SITEID, AGE; base.dm: those, patient_key, site_key. */
export const brokenCommits: [string, string, Change][] = [
  // Where things lie.
  ['a table in no layer', 'table-misplaced', write('tables/gold/dm.json', '{}')],
  ['a table in capitals', 'table-misplaced', write('tables/raw/DM.json', '{}')],
  ['a table in a folder', 'table-misplaced', write('tables/raw/old/dm.json', '{}')],
  ['a Parquet file that nothing refers to', 'object-stray', write('tables.parquet', 'PAR1')],
  ['a data file beside the tables', 'object-stray', write('data/raw/dm/a', 'x')],
  ['a manifest on the branch', 'object-stray', write('m.avro', 'Obj')],
  ['something else on a version', 'object-outside', write('notes.txt', 'x')],
  // The schema alone.
  ['a type only', 'contents-type', editColumns('raw.dm', columns => Object.assign(columns[2]!, { type: 'string' }))],
  ['int to long', 'contents-type', editColumns('raw.dm', columns => Object.assign(columns[2]!, { type: 'long' }))],
  [
    'double to decimal',
    'footer-type',
    editColumns('raw.sv', columns => Object.assign(columns[1]!, { type: 'decimal(9, 2)' })),
  ],
  [
    'date to timestamp',
    'footer-type',
    editColumns('raw.sv', columns => Object.assign(columns[2]!, { type: 'timestamp' })),
  ],
  [
    'a type that cannot be declared',
    'table-type',
    editColumns('raw.dm', columns => Object.assign(columns[2]!, { type: 'timestamptz' })),
  ],
  [
    'a type that is none',
    'table-unreadable',
    editColumns('raw.dm', columns => Object.assign(columns[2]!, { type: 'number' })),
  ],
  [
    'a column renamed',
    'contents-column-missing',
    editColumns('raw.dm', columns => Object.assign(columns[2]!, { name: 'YEARS' })),
  ],
  ['columns reordered', 'contents-order', editColumns('raw.dm', columns => columns.reverse())],
  [
    'two columns of one type swapped',
    'footer-field-id',
    editColumns('raw.dm', ([a, b]) => {
      ;[a!.name, b!.name] = [b!.name, a!.name]
    }),
  ],
  ['a column dropped', 'contents-column-missing', editColumns('raw.dm', columns => columns.pop())],
  [
    'a column added',
    'footer-column-missing',
    editColumns('raw.dm', columns => columns.push({ id: 77, name: 'NEW', type: 'string', required: false })),
  ],
  [
    'nullability loosened',
    'contents-nullability',
    editColumns('raw.dm', columns => Object.assign(columns[0]!, { required: false })),
  ],
  [
    'nullability tightened',
    'footer-nullability',
    editColumns('raw.dm', columns => Object.assign(columns[2]!, { required: true })),
  ],
  ['a label', 'contents-label', editColumns('raw.dm', columns => Object.assign(columns[1]!, { doc: 'Centre' }))],
  ['a field id', 'contents-field-id', editColumns('raw.dm', columns => Object.assign(columns[1]!, { id: 77 }))],
  ['a field id twice', 'schema-field-id', editColumns('raw.dm', ([a, b]) => Object.assign(b!, { id: a!.id }))],
  ['a name twice', 'schema-name', editColumns('raw.dm', ([a, b]) => Object.assign(b!, { name: a!.name }))],
  ['a label of base', 'base-label', editColumns('base.dm', columns => Object.assign(columns[1]!, { doc: 'Centre' }))],
  ['the order of base', 'base-order', editColumns('base.dm', columns => columns.reverse())],
  ['a type of base', 'base-type', editColumns('base.dm', columns => Object.assign(columns[2]!, { type: 'string' }))],
  ['a field id of base', 'base-field-id', editColumns('base.dm', columns => Object.assign(columns[2]!, { id: 77 }))],
  [
    'nullability of base',
    'base-nullability',
    editColumns('base.dm', columns => Object.assign(columns[3]!, { required: true })),
  ],
  [
    'a column that raw does not have',
    'base-column-extra',
    editColumns('base.dm', columns => columns.push({ id: 77, name: 'NEW', type: 'string', required: false })),
  ],
  // The rest of the metadata, edited by hand.
  [
    'an older schema in which a field id is another type',
    'schema-field-type',
    editTable('raw.dm', of => {
      const [schema] = structuredClone(of.schemas)
      Object.assign(schema!.fields[2]!, { type: 'date' })
      of.schemas.push({ ...schema!, 'schema-id': 7 })
    }),
  ],
  [
    'two partition specs of one id',
    'partition-spec-duplicate',
    editTable('raw.dm', of => of['partition-specs'].push(of['partition-specs'][0]!)),
  ],
  [
    'two sort orders of one id',
    'sort-order-duplicate',
    editTable('raw.dm', of => of['sort-orders'].push(of['sort-orders'][0]!)),
  ],
  [
    'a sort order by a column that is not there',
    'sort-order-column',
    editTable('raw.dm', of => of['sort-orders'][0]!.fields.push({ 'source-id': 77, transform: 'identity' })),
  ],
  ['no JSON', 'table-unreadable', write(pathOf('raw.dm'), '{"format')],
  ['another format version', 'table-unreadable', editTable('raw.dm', of => Object.assign(of, { 'format-version': 1 }))],
  ['no current schema', 'table-unreadable', editTable('raw.dm', of => Object.assign(of, { 'current-schema-id': 9 }))],
  [
    'no current snapshot',
    'table-unreadable',
    editTable('raw.dm', of => Object.assign(of, { 'current-snapshot-id': 9 })),
  ],
  ['two schemas of one id', 'schema-duplicate', editTable('raw.dm', of => of.schemas.push(of.schemas[0]!))],
  ['the last column id', 'schema-last-column', editTable('raw.dm', of => Object.assign(of, { 'last-column-id': 1 }))],
  [
    'no default partition spec',
    'partition-spec-missing',
    editTable('raw.dm', of => Object.assign(of, { 'default-spec-id': 9 })),
  ],
  [
    'a partition by a column that is not there',
    'partition-spec-column',
    editTable('raw.dm', of => of['partition-specs'][0]!.fields.push({ 'source-id': 77, transform: 'identity' })),
  ],
  [
    'no default sort order',
    'sort-order-missing',
    editTable('raw.dm', of => Object.assign(of, { 'default-sort-order-id': 9 })),
  ],
  ['a snapshot twice', 'snapshot-duplicate', editTable('raw.dm', of => of.snapshots!.push(of.snapshots![0]!))],
  [
    'the last sequence number',
    'snapshot-sequence',
    editTable('raw.dm', of => Object.assign(of, { 'last-sequence-number': 0 })),
  ],
  [
    'a schema that the snapshot does not have',
    'snapshot-schema',
    editTable('raw.dm', of => Object.assign(of.snapshots![0]!, { 'schema-id': 9 })),
  ],
  [
    'a ref to no snapshot',
    'snapshot-ref',
    editTable('raw.dm', of => Object.assign(of.refs!, { old: { type: 'tag', 'snapshot-id': 9 } })),
  ],
  [
    'its branch main elsewhere',
    'snapshot-branch',
    editTable('raw.dm', of => Object.assign(of.refs!.main!, { 'snapshot-id': 9 })),
  ],
  [
    'a snapshot that is older than its parent',
    'snapshot-chain',
    editTable('work.notes', of =>
      Object.assign(of.snapshots![0]!, { 'parent-snapshot-id': of.snapshots![1]!['snapshot-id'] }),
    ),
  ],
  [
    'rows in the summary',
    'snapshot-totals',
    editTable('raw.dm', of => Object.assign(of.snapshots![0]!.summary!, { 'total-records': '9' })),
  ],
  [
    'delete files in the summary',
    'snapshot-totals',
    editTable('raw.dm', of => Object.assign(of.snapshots![0]!.summary!, { 'total-delete-files': '1' })),
  ],
  [
    'another uuid',
    'table-uuid',
    editTable('raw.dm', of => Object.assign(of, { 'table-uuid': '00000000-0000-4000-8000-000000000000' })),
  ],
  ['no uuid', 'table-uuid', editTable('work.notes', of => Object.assign(of, { 'table-uuid': 'notes' }))],
  [
    'another location',
    'table-location',
    editTable('raw.dm', of => Object.assign(of, { location: of.location.replace('dm', 'sv') })),
  ],
  [
    'the location of another study',
    'address-outside',
    async desk =>
      editTable('work.notes', of => Object.assign(of, { location: `s3://${bucketOf(desk)}/data/other/work/notes` }))(
        desk,
      ),
  ],
  ['a table under a second name', 'table-uuid-shared', copy('work.notes', 'work.copy')],
  ['a table in the place of another', 'table-uuid-shared', copy('raw.sv', 'raw.dm')],
  // Manifests.
  ['the size of a manifest', 'manifest-size', manifest({ manifest_length: 1 })],
  ['the files of a manifest', 'manifest-counts', manifest({ added_files_count: 2 })],
  ['the rows of a manifest', 'manifest-counts', manifest({ added_rows_count: 2 })],
  ['the partition spec of a manifest', 'manifest-spec', manifest({ partition_spec_id: 7 })],
  ['the sequence number of a manifest', 'manifest-sequence', manifest({ sequence_number: 7 })],
  ['data said to be deletes', 'manifest-content', manifest({ content: 1 })],
  ['a manifest list that is gone', 'table-unreadable', damage('raw.dm', listOf)],
  ['a manifest list that is damaged', 'table-unreadable', damage('raw.dm', listOf, bytes => bytes.slice(0, 40))],
  ['a manifest that is gone', 'table-unreadable', damage('raw.dm', manifestOf)],
  ['a manifest that is damaged', 'table-unreadable', damage('raw.dm', manifestOf, bytes => bytes.map(() => 7))],
  // Files.
  ['a file that is gone', 'file-missing', damage('raw.dm', fileAddress)],
  ['a file of another size', 'file-size', damage('raw.dm', fileAddress, bytes => bytes.slice(0, -1))],
  [
    'a file of the same size that is another',
    'file-unreadable',
    damage('raw.dm', fileAddress, bytes => bytes.map(() => 0)),
  ],
  ['a size in the manifest', 'file-size', editFile('raw.dm', { file_size_in_bytes: 7 })],
  ['rows in the manifest', 'file-rows', editFile('raw.dm', { record_count: 7 })],
  ['a format in the manifest', 'file-format', editFile('work.notes', { file_format: 'ORC' })],
  [
    'a file of another study',
    'address-outside',
    async desk => editFile('raw.dm', { file_path: `s3://${bucketOf(desk)}/data/other/raw/dm/a.parquet` })(desk),
  ],
  [
    'a file of another bucket',
    'address-outside',
    async desk => editFile('raw.dm', { file_path: `s3://mine/data/${desk.study}/raw/dm/a.parquet` })(desk),
  ],
  ['a file twice', 'file-duplicate', rewrite('raw.dm', { entries: entries => entries.push(entries[0]!) })],
  ['no file', 'file-other', rewrite('raw.dm', { entries: entries => entries.splice(0) })],
  ['a file cut in its middle', 'file-size', refill('raw.dm', () => ({}), { bytes: bytes => bytes.slice(0, 100) })],
  ['another file of the same rows', 'file-other', refill('raw.dm', () => ({}))],
  [
    'a file of another type',
    'footer-type',
    refill('raw.dm', ({ fields }) => ({ fields: replaceField(2, { type: { kind: 'double' } })(fields) })),
  ],
  [
    'a file that lacks a column',
    'footer-column-missing',
    refill('raw.dm', ({ fields, rows }) => ({ fields: fields.slice(0, 2), rows: rows.map(row => row.slice(0, 2)) })),
  ],
  [
    'a file that renames a column',
    'footer-column-extra',
    refill('raw.dm', ({ fields }) => ({ fields: replaceField(2, { name: 'YEARS' })(fields) })),
  ],
  [
    'a file of other field ids',
    'footer-field-id',
    refill('raw.dm', ({ fields }) => ({ fields: replaceField(2, { id: 77 })(fields) })),
  ],
  [
    'a file that lets be null',
    'footer-nullability',
    refill('raw.dm', ({ fields }) => ({ fields: replaceField(0, { nullable: true })(fields) })),
  ],
  [
    'a file of another order',
    'footer-order',
    refill('raw.dm', ({ fields, rows }) => ({ fields: fields.toReversed(), rows: rows.map(row => row.toReversed()) })),
  ],
  ['the table of another version', 'record-content', takeFrom('v2', 'raw.dm')],
  ['rows deleted by an engine', 'delete-file', addDeletes('raw.dm', 1, [path, pos], ['s3://lake/a', 0n])],
  ['position deletes without positions', 'delete-file-columns', addDeletes('work.notes', 1, [path], ['s3://lake/a'])],
  ['equality deletes of no column', 'delete-file-columns', addDeletes('work.notes', 2, [note[0]!], [1])],
  // What people wrote.
  [
    'a work table of another type',
    'footer-type',
    editColumns('work.notes', columns => Object.assign(columns[1]!, { type: 'date' })),
  ],
  [
    'a work table with a column that its files must have',
    'footer-column-missing',
    editColumns('work.notes', columns => columns.push({ id: 9, name: 'x', type: 'int', required: true })),
  ],
  [
    'a work table whose files call columns otherwise',
    'footer-name',
    editColumns('work.notes', columns => Object.assign(columns[1]!, { name: 'other' })),
  ],
  ['a work table whose files have more', 'footer-column-extra', editColumns('work.notes', columns => columns.pop())],
  // What is declared.
  ['a raw table dropped', 'contents-table-missing', remove(pathOf('raw.dm'))],
  ['a base table dropped', 'contents-table-missing', remove(pathOf('base.dm'))],
  ['contents removed', 'contents-missing', remove(contentsPath)],
  ['contents broken', 'declaration-unreadable', write(contentsPath, '{')],
  ['a dataset no longer declared', 'contents-table-undeclared', editContents(datasets => datasets.shift())],
  [
    'a type edited after conversion',
    'contents-type',
    editDeclared(fields => Object.assign(fields[2]!, { type: { kind: 'bigint' } })),
  ],
  ['a column no longer declared', 'contents-column-extra', editDeclared(fields => fields.pop())],
  [
    'a column declared too much',
    'contents-column-missing',
    editDeclared(fields => fields.push({ ...fields[2]!, id: 77, name: 'NEW' })),
  ],
  ['another order declared', 'contents-order', editDeclared(fields => fields.reverse())],
  // The record.
  ['the record removed', 'record-missing', remove(versionPath)],
  ['the record broken', 'declaration-unreadable', write(versionPath, '{"version":"v1"}')],
  ['the record of another study', 'record-study', editRecord(record => Object.assign(record, { study: 'other' }))],
  ['rows in', 'record-rows', editRecord(({ datasets }) => Object.assign(datasets[0]!, { rowsIn: 99 }))],
  ['rows out', 'record-rows', editRecord(({ datasets }) => Object.assign(datasets[0]!, { rowsIn: 99, rowsOut: 99 }))],
  ['columns', 'record-columns', editRecord(({ datasets }) => Object.assign(datasets[0]!, { columns: 99 }))],
  ['the content', 'record-content', editRecord(({ datasets }) => Object.assign(datasets[0]!, { contentKey: 'x' }))],
  ['a dataset too few', 'record-table-missing', editRecord(({ datasets }) => datasets.shift())],
  [
    'a dataset too much',
    'record-dataset-missing',
    editRecord(({ datasets }) => datasets.push({ ...datasets[0]!, dataset: 'xx' })),
  ],
  ['another version in the record', 'version-replaced', editRecord(record => Object.assign(record, { version: 'v9' }))],
  // Base and keys.
  ['base shorter than raw', 'base-rows', refill('base.dm', ({ rows }) => ({ rows: rows.slice(1) }), inPlace)],
  ['a base table of older content', 'base-content', takeFrom('v2', 'base.dm')],
  ['a base table without raw', 'base-without-raw', remove(pathOf('raw.sv'))],
  ['base without a key column', 'base-column-missing', editColumns('base.dm', columns => columns.pop())],
  ['a key table dropped', 'key-table-missing', remove(pathOf('keys.site'))],
  [
    'a key table of other columns',
    'key-table-columns',
    editColumns('keys.site', columns => Object.assign(columns[0]!, { name: 'CENTRE' })),
  ],
  [
    'a key twice',
    'key-duplicate',
    refill(
      'keys.site',
      cell(1, 1, rows => rows[0]![1]!),
      inPlace,
    ),
  ],
  [
    'a natural key twice',
    'natural-key-duplicate',
    refill(
      'keys.site',
      cell(1, 0, rows => rows[0]![0]!),
      inPlace,
    ),
  ],
  [
    'a key that was never given',
    'key-unknown',
    refill(
      'base.dm',
      cell(0, 3, () => 99n),
      inPlace,
    ),
  ],
  [
    'a key reused',
    'key-wrong',
    refill(
      'base.dm',
      cell(0, 3, rows => rows[1]![3]!),
      inPlace,
    ),
  ],
  [
    'a key missing',
    'key-missing',
    refill(
      'base.dm',
      cell(0, 4, () => null),
      inPlace,
    ),
  ],
  [
    'a key of nobody',
    'key-without-natural-key',
    refill(
      'base.dm',
      cell(0, 1, () => null),
      inPlace,
    ),
  ],
  [
    'keys that nobody gave',
    'keys-unauthorised',
    refill('keys.site', ({ rows }) => ({ rows: [...rows, ['S9', 9n, 'v1']] })),
  ],
  // How a table goes on.
  [
    'a table dropped and made again',
    'table-replaced',
    editTable('work.notes', of => Object.assign(of, { 'table-uuid': '00000000-0000-4000-8000-000000000000' })),
  ],
  [
    'a table written from an older state',
    'snapshot-rewritten',
    editTable('work.notes', of => {
      const last = of.snapshots!.at(-1)!
      for (const holder of [last, of.refs!.main!, of['snapshot-log']!.at(-1)!]) holder['snapshot-id'] = 4711
      of['current-snapshot-id'] = 4711
    }),
  ],
  [
    'a snapshot left out',
    'snapshot-skipped',
    async desk => {
      const head = currentSnapshot(await readWork(desk, 'notes'))!['snapshot-id']
      await growWork('notes')(desk)
      await editTable('work.notes', of => {
        of.snapshots = of.snapshots!.filter(item => item['snapshot-id'] !== head)
      })(desk)
    },
  ],
  [
    'a table that went back to where it never was',
    'snapshot-lost',
    all(
      addWork('notes'),
      editTable('work.notes', of => {
        const [only] = of.snapshots!
        Object.assign(only!, { 'snapshot-id': 4711, 'sequence-number': 0 })
        Object.assign(of, { 'last-sequence-number': 0, 'current-snapshot-id': 4711 })
        Object.assign(of.refs!.main!, { 'snapshot-id': 4711 })
      }),
    ),
  ],
]

/** What may be merged into the version v1, in this order: later ones build on earlier ones. */
export const lawfulMerges: [string, Change][] = [
  ['nothing', async () => {}],
  ['a table that people make', addWork('one')],
  ['another one', addWork('two')],
  ['rows that they add', growWork('one')],
  [
    'a column that they add',
    growWork('one', [...note, { id: 3, name: 'more', type: { kind: 'double' }, nullable: true }], [[3, 'c', 1.5]]),
  ],
  ['a table that they drop', remove(pathOf('work.two'))],
  ['a label of it', editColumns('work.one', columns => Object.assign(columns[0]!, { doc: 'the id' }))],
  ['a property of it', editTable('work.one', of => Object.assign(of.properties!, { comment: 'x' }))],
  [
    'a column of it renamed',
    edit<{ schemas: { 'schema-id': number; fields: { name: string }[] }[]; 'current-schema-id': number }>(
      pathOf('work.one'),
      of => {
        const next = structuredClone(of.schemas.at(-1)!)
        next['schema-id']++
        next.fields[1]!.name = 'words'
        of.schemas.push(next)
        of['current-schema-id'] = next['schema-id']
      },
    ),
  ],
  ['rows of it deleted', addDeletes('work.one', 1, [path, pos], ['s3://lake/a', 0n])],
  ['rows of it deleted by value', addDeletes('work.one', 2, [note[0]!], [1], [1])],
  [
    'a table without a snapshot',
    all(
      addWork('none'),
      editTable('work.none', of =>
        Object.assign(of, {
          'current-snapshot-id': -1,
          snapshots: [],
          refs: {},
          'snapshot-log': [],
          'last-sequence-number': 0,
        }),
      ),
    ),
  ],
  [
    'the same table under other manifests',
    async desk => {
      const metadata = await changeTable(desk.test.environment.lake, await readWork(desk, 'notes'), {})
      await put(desk, pathOf('work.notes'), formatTableMetadata(metadata))
    },
  ],
]

/** What people may do to any table on a branch of their own, one after the other. */
export const lawfulOnOwnBranch: [string, Change][] = [
  [
    'a delivered table that gets a column',
    editColumns('raw.dm', columns => columns.push({ id: 77, name: 'NEW', type: 'timestamptz', required: false })),
  ],
  [
    'a delivered table whose type is widened',
    editColumns('raw.ae', columns => Object.assign(columns[0]!, { doc: 'x' })),
  ],
  ['rows of a delivered table deleted', addDeletes('base.dm', 1, [path, pos], ['s3://lake/a', 0n])],
  ['a delivered table dropped', remove(pathOf('raw.sv'))],
  ['a key table dropped', remove(pathOf('keys.site'))],
  ['notes beside the tables', write('notes/readme.md', '# mine')],
  ['the declaration dropped', remove(contentsPath)],
]
