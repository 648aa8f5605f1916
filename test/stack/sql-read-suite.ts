import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runPython } from '../interop/python.ts'
import { type ColumnInfo, type SqlSuiteOptions, type Summary, summarise, tableName } from './sql-support.ts'

const root = join(import.meta.dirname, '..', '..')

interface JoinStep {
  dataset: string
  /** The dataset before it that has the natural key, and the key's columns in both. */
  to?: string
  by?: string[]
  /** The surrogate key that stands for it. */
  key?: string
}

export interface LoadedStudy {
  study: string
  /** Versions lie here, each in a folder of its name. */
  folder: string
  versions: string[]
  /** Pairs of versions whose rows are compared. */
  differences: [string, string][]
  joins: { version: string; steps: JoinStep[]; select: [dataset: string, column: string][] }[]
}

/** Comes with the project. */
export const sampleStudy: LoadedStudy = {
  study: 'ilms',
  folder: join(root, 'sample', 'ilms'),
  versions: ['v1', 'v2', 'v3', 'v4'],
  differences: [
    ['v2', 'v3'],
    ['v3', 'v2'],
    ['v4', 'v3'],
    ['v4', 'v1'],
  ],
  joins: [
    {
      version: 'v4',
      steps: [
        { dataset: 'patients' },
        { dataset: 'visits', to: 'patients', by: ['PATIENT_ID'], key: 'patient_key' },
        { dataset: 'adverse_events', to: 'visits', by: ['VISIT_ID'], key: 'visit_key' },
      ],
      select: [
        ['patients', 'PATIENT_ID'],
        ['patients', 'BIRTH_DATE'],
        ['visits', 'VISIT_NUM'],
        ['visits', 'RECORDED_AT'],
        ['adverse_events', 'AE_ID'],
        ['adverse_events', 'SERIOUS'],
      ],
    },
  ],
}

/** CDISC's pilot study, from `$STUDYLAKE_STUDIES`. */
export const realStudy = (folder: string): LoadedStudy => ({
  study: 'cdiscpilot01',
  folder,
  versions: ['v1', 'v2', 'v3', 'v4'],
  differences: [
    ['v4', 'v3'],
    ['v3', 'v4'],
    ['v2', 'v3'],
    ['v4', 'v2'],
  ],
  joins: ['v2', 'v3', 'v4'].map(version => ({
    version,
    steps: [
      { dataset: 'dm' },
      { dataset: 'sv', to: 'dm', by: ['USUBJID'], key: 'patient_key' },
      { dataset: 'ae', to: 'dm', by: ['USUBJID'], key: 'patient_key' },
    ],
    select: [
      ['dm', 'USUBJID'],
      ['dm', 'AGE'],
      ['sv', 'VISITNUM'],
      ['sv', 'SVSTDTC'],
      ['ae', 'AESEQ'],
      ['ae', 'AETERM'],
    ],
  })),
})

interface Expected {
  tables: Record<string, Record<string, Summary & { columns: ColumnInfo[] }>>
  differences: Record<string, Record<string, Summary & { columns: string[] }>>
  joins: Summary[]
}

/** Every version of a study in SQL, against Python's own reading of the delivered files. */
export function readSuite({ subject, loaded }: SqlSuiteOptions & { loaded: LoadedStudy }): void {
  const { study, folder, versions, differences, joins } = loaded
  describe(`${study} in SQL, against Python`, () => {
    let expected: Expected
    /** Columns of a dataset as SQL has them, by name. */
    const columnsOf = (version: string, dataset: string): ColumnInfo[] =>
      expected.tables[version]![`raw.${dataset}`]!.columns
    const summaryOf = ({ rows, checksum }: Summary): Summary => ({ rows, checksum })

    beforeAll(async () => {
      expected = await runPython<Expected>('../stack/sql_expected.py', {
        versions: versions.map(name => ({ name, folder: join(folder, name) })),
        encoding: 'utf-8',
        entities: null,
        differences,
        joins,
      })
    })

    it.each(versions)('has in every table of %s the rows and values that Python reads', async version => {
      const tables = expected.tables[version]!
      const found = await summarise(
        subject(),
        Object.entries(tables).map(([table, { columns }]) => ({
          label: table,
          relation: `studylake.${tableName(study, version, table)}`,
          columns,
        })),
      )
      expect(found).toEqual(Object.fromEntries(Object.entries(tables).map(([name, table]) => [name, summaryOf(table)])))
    })

    it.each(versions)('shows the tables of %s, and their columns as the contents file declares them', async version => {
      const tables = expected.tables[version]!
      const schema = `${study}@${version}.`
      // What SHOW TABLES and SHOW COLUMNS ask for, of all layers at once.
      const shown = await subject().query(
        `SELECT substr(table_schema, ${schema.length + 1}), table_name, column_name, data_type, comment ` +
          `FROM studylake.information_schema.columns WHERE table_schema IN (${['raw', 'base', 'keys', 'work']
            .map(layer => `'${schema}${layer}'`)
            .join(', ')}) ORDER BY 1, 2, ordinal_position`,
      )
      const found = Object.groupBy(shown as string[][], ([layer, table]) => `${layer}.${table}`)
      const columnsIn = (rows: string[][]): ColumnInfo[] =>
        rows.map(([, , name, type, comment]) => ({ name: name!, type: type!, comment: comment ?? '' }))
      expect(Object.fromEntries(Object.entries(found).map(([name, rows]) => [name, columnsIn(rows!)]))).toEqual(
        Object.fromEntries(Object.entries(tables).map(([name, { columns }]) => [name, columns])),
      )
      const [first, { columns }] = Object.entries(tables)[0]!
      expect(await subject().query(`SHOW COLUMNS FROM studylake.${tableName(study, version, first)}`)).toEqual(
        columns.map(({ name, type, comment }) => [name, type, '', comment]),
      )
    })

    it.each(differences)('EXCEPT finds the rows of %s that %s does not have', async (one, other) => {
      const wanted = expected.differences[`${one} ${other}`]!
      const found = await summarise(
        subject(),
        Object.entries(wanted).map(([dataset, { columns }]) => {
          const list = columns.map(name => `"${name}"`).join(', ')
          const select = (version: string) =>
            `SELECT ${list} FROM studylake.${tableName(study, version, `raw.${dataset}`)}`
          return {
            label: dataset,
            relation: `(${select(one)} EXCEPT ${select(other)})`,
            columns: columnsOf(one, dataset).filter(({ name }) => columns.includes(name)),
          }
        }),
      )
      expect(found).toEqual(Object.fromEntries(Object.entries(wanted).map(([name, one]) => [name, summaryOf(one)])))
    })

    it.each(joins.map((join, at) => ({ at, ...join })))(
      'a join in $version through surrogate keys is the join through natural keys',
      async ({ at, version, steps, select }) => {
        const columns = select.map(([dataset, column], position) => {
          const { type } = columnsOf(version, dataset).find(({ name }) => name === column.toLowerCase())!
          return { name: `c${position}`, type, comment: '' }
        })
        const list = select.map(([dataset, column], position) => `${dataset}.${column} c${position}`).join(', ')
        const relation = (layer: string, on: (step: JoinStep) => string[]) => {
          const joined = steps.map(step => {
            const table = `studylake.${tableName(study, version, `${layer}.${step.dataset}`)} ${step.dataset}`
            if (!step.to) return table
            const equal = on(step).map(column => `${step.dataset}.${column} = ${step.to}.${column}`)
            return `JOIN ${table} ON ${equal.join(' AND ')}`
          })
          return `(SELECT ${list} FROM ${joined.join(' ')})`
        }
        const found = await summarise(subject(), [
          { label: 'surrogate', relation: relation('base', ({ key }) => [key!]), columns },
          { label: 'natural', relation: relation('raw', ({ by }) => by!), columns },
        ])
        expect(expected.joins[at]!.rows).toBeGreaterThan(0)
        expect(found).toEqual({ surrogate: expected.joins[at], natural: expected.joins[at] })
      },
    )
  })
}
