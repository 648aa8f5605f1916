import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EngineError } from '../../../lib/engine/engine.ts'
import { formatColumnsQuery, readEngineColumns } from '../../../lib/engine/read-columns.ts'
import { isEngineType } from '../../../lib/engine/types.ts'
import type { FieldType } from '../../../lib/fields.ts'

const answering = (rows: unknown[][]) => {
  const asked: string[] = []
  const query = async (statement: string) => {
    asked.push(statement)
    return rows
  }
  return { asked, engine: { sql: { query }, catalog: 'hive' } }
}

describe('the columns of a schema', () => {
  it('come by table, in their order, whatever that of the answer', async () => {
    const { engine, asked } = answering([
      ['b', 'y', 2, 'bigint'],
      ['a', 'z', 1, 'varchar'],
      ['b', 'X', 1, 'date'],
    ])
    const found = await readEngineColumns(engine, { schema: 's__v1' })
    expect([...found]).toEqual(
      [
        ['a', [{ name: 'z', type: 'varchar' }]],
        [
          'b',
          [
            { name: 'x', type: 'date' },
            { name: 'y', type: 'bigint' },
          ],
        ],
      ].toSorted(),
    )
    expect(asked).toEqual([
      `SELECT table_name, column_name, ordinal_position, data_type FROM "hive".information_schema.columns WHERE table_schema = 's__v1'`,
    ])
  })

  it('are those of the named tables: of few by name, of many picked from all', async () => {
    const { engine, asked } = answering([
      ['a', 'x', 1, 'date'],
      ['b', 'x', 1, 'date'],
    ])
    expect([...(await readEngineColumns(engine, { schema: 's', tables: ['a', 'c'] })).keys()]).toEqual(['a'])
    const many = Array.from({ length: 51 }, (_, at) => `t${at}`)
    expect((await readEngineColumns(engine, { schema: 's', tables: [...many, 'b'] })).size).toBe(1)
    expect(asked[0]).toMatch(/ AND table_name IN \('a', 'c'\)$/)
    expect(asked[1]).toMatch(/ WHERE table_schema = 's'$/)
  })

  it.each([[[['a', 'x', 1]]], [[['a', 'x', '1', 'date']]], [[[null, 'x', 1, 'date']]], [[[1, 2, 3, 4, 5]]]])(
    'are not taken from %j',
    async rows => {
      await expect(readEngineColumns(answering(rows).engine, { schema: 's' })).rejects.toThrow(EngineError)
    },
  )
})

/** What is left of a statement when quoted texts and names are taken out, as SQL reads them. */
const skeleton = (statement: string): string =>
  statement.replaceAll(/'(?:[^']|'')*'|"(?:[^"]|"")*"/g, quoted => (quoted.startsWith("'") ? '?' : '!'))

it('no name becomes SQL, whatever characters it has', () => {
  const name = fc.oneof(fc.string(), fc.constantFrom("'", "''", "a' OR '1'='1", '"', 'x"."y', '\\', '--', '/*'))
  fc.assert(
    fc.property(name, name, fc.array(name, { minLength: 1, maxLength: 3 }), (catalog, schema, tables) => {
      expect(skeleton(formatColumnsQuery(catalog, schema, tables))).toBe(
        `SELECT table_name, column_name, ordinal_position, data_type FROM !.information_schema.columns WHERE table_schema = ? AND table_name IN (${tables.map(() => '?').join(', ')})`,
      )
    }),
  )
})

it.each<[FieldType, string[], string[]]>([
  [{ kind: 'string' }, ['varchar'], ['varchar(20)', 'char(1)', 'string']],
  [{ kind: 'integer' }, ['integer'], ['bigint', 'smallint', 'real']],
  [{ kind: 'bigint' }, ['bigint'], ['integer', 'double', 'decimal(19,0)']],
  [
    { kind: 'decimal', precision: 10, scale: 2 },
    ['decimal(10,2)', 'decimal(10, 2)'],
    ['decimal(10,3)', 'decimal(12,2)', 'double'],
  ],
  [{ kind: 'double' }, ['double'], ['real']],
  [{ kind: 'boolean' }, ['boolean'], ['varchar']],
  [{ kind: 'date' }, ['date'], ['timestamp(3)', 'varchar']],
  [
    { kind: 'timestamp' },
    ['timestamp', 'timestamp(3)', 'timestamp(6)', 'TIMESTAMP(9)'],
    ['timestamp(6) with time zone', 'date', 'bigint', 'time(6)'],
  ],
  [{ kind: 'time' }, ['bigint', 'time(6)'], ['varchar', 'integer', 'timestamp(6)', 'time(6) with time zone']],
])('%j is %j and none of %j', (type, lawful, others) => {
  for (const found of lawful) expect(isEngineType(type, found), found).toBe(true)
  for (const found of others) expect(isEngineType(type, found), found).toBe(false)
})
