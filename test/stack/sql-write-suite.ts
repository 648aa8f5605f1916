import { beforeAll, describe, expect, it } from 'vitest'
import { createPyiceberg, type Pyiceberg, type SqlSuiteOptions } from './sql-support.ts'

/** Trino and pyiceberg write the same tables, and each reads what the other wrote. Needs the sample in `study`, of which `version` is a version. */
export function writeSuite({ subject, study, version }: SqlSuiteOptions & { study: string; version: string }): void {
  const branch = 'analysis'
  describe.each([
    { place: 'a branch of one’s own', ref: branch },
    { place: 'the layer work of a version', ref: version },
  ])('engines write to $place', ({ ref }) => {
    const layer = `studylake."${study}@${ref}.work"`
    const namespace = [`${study}@${ref}`, 'work']
    let iceberg: Pyiceberg
    const sql = (statement: string) => subject().query(statement)
    const rows = (table: string) => sql(`SELECT * FROM ${layer}.${table} ORDER BY 1`)

    beforeAll(async () => {
      const { lakefs } = subject().environment
      if (ref === branch && !(await lakefs.getBranch(study, branch)))
        await lakefs.createBranch(study, { name: branch, source: version })
      iceberg = createPyiceberg(subject())
    })

    it('CREATE TABLE AS, INSERT, UPDATE, DELETE, MERGE of Trino are read by pyiceberg', async () => {
      await sql(
        `CREATE TABLE ${layer}.arms AS SELECT arm, count(*) patients, min(birth_date) oldest, cast(avg(weight_kg) AS decimal(8, 2)) weight ` +
          `FROM studylake."${study}@${ref}.base".patients GROUP BY arm`,
      )
      const made = await rows('arms')
      expect(made.length).toBeGreaterThan(1)
      expect(await iceberg.rows({ namespace, table: 'arms' })).toEqual(made)

      await sql(
        `INSERT INTO ${layer}.arms VALUES ('A new arm', 9007199254740993, DATE '1901-02-03', 1.50), (NULL, NULL, NULL, NULL)`,
      )
      await sql(`UPDATE ${layer}.arms SET weight = weight + 1, oldest = NULL WHERE arm = 'A new arm'`)
      await sql(`DELETE FROM ${layer}.arms WHERE arm = 'Placebo'`)
      await sql(
        `MERGE INTO ${layer}.arms t USING (VALUES ('Active', 7), ('Third', 8)) s (arm, patients) ON t.arm = s.arm ` +
          'WHEN MATCHED THEN UPDATE SET patients = s.patients WHEN NOT MATCHED THEN INSERT (arm, patients) VALUES (s.arm, s.patients)',
      )
      const changed = await rows('arms')
      expect(changed).toEqual(
        [
          ['A new arm', 2n ** 53n + 1n, null, '2.50'],
          ...made
            .filter(([arm]) => arm !== 'Placebo')
            .map(row => (row[0] === 'Active' ? ['Active', 7, ...row.slice(2)] : row)),
          ['Third', 8, null, null],
          [null, null, null, null],
        ].sort(([one], [other]) => (one === null ? 1 : other === null ? -1 : `${one}` < `${other}` ? -1 : 1)),
      )
      expect(await iceberg.rows({ namespace, table: 'arms' })).toEqual(changed)
    })

    it('columns that Trino adds, drops, renames and widens are read by pyiceberg', async () => {
      await sql(`CREATE TABLE ${layer}.changing (a integer, b varchar, c real, d decimal(8, 2))`)
      await sql(`INSERT INTO ${layer}.changing VALUES (1, 'one', 0.5, 1.25)`)
      await sql(`ALTER TABLE ${layer}.changing ADD COLUMN e timestamp(6)`)
      await sql(`ALTER TABLE ${layer}.changing DROP COLUMN c`)
      await sql(`ALTER TABLE ${layer}.changing RENAME COLUMN b TO text`)
      await sql(`ALTER TABLE ${layer}.changing ALTER COLUMN a SET DATA TYPE bigint`)
      await sql(`ALTER TABLE ${layer}.changing ALTER COLUMN d SET DATA TYPE decimal(12, 2)`)
      await sql(
        `INSERT INTO ${layer}.changing VALUES (5000000000, 'two', 9999999999.99, TIMESTAMP '2026-01-02 03:04:05.678901')`,
      )
      const expected = [
        [1, 'one', '1.25', null],
        [5_000_000_000, 'two', '9999999999.99', '2026-01-02 03:04:05.678901'],
      ]
      expect(await rows('changing')).toEqual(expected)
      expect(await iceberg.schema({ namespace, table: 'changing' })).toEqual([
        ['a', 'long'],
        ['text', 'string'],
        ['d', 'decimal(12, 2)'],
        ['e', 'timestamp'],
      ])
      expect(await iceberg.rows({ namespace, table: 'changing' })).toEqual(expected)
    })

    it('pyiceberg appends to that table and changes it, and Trino goes on', async () => {
      const table = { namespace, table: 'changing' }
      await iceberg.run([
        { do: 'append', ...table, rows: [{ a: 3, text: 'three', d: '3.00', e: '2026-01-02 03:04:05.000001' }] },
        { do: 'evolve', ...table, add: { f: 'boolean' }, rename: { text: 'words' }, drop: ['e'] },
        { do: 'append', ...table, rows: [{ a: 4, words: 'four', d: null, f: true }] },
        { do: 'delete', ...table, where: 'a = 1' },
      ])
      expect(await sql(`SHOW COLUMNS FROM ${layer}.changing`)).toEqual([
        ['a', 'bigint', '', ''],
        ['words', 'varchar', '', ''],
        ['d', 'decimal(12,2)', '', ''],
        ['f', 'boolean', '', ''],
      ])
      await sql(`UPDATE ${layer}.changing SET f = false WHERE words = 'three'`)
      const expected = [
        [3, 'three', '3.00', false],
        [4, 'four', null, true],
        [5_000_000_000, 'two', '9999999999.99', null],
      ]
      expect(await rows('changing')).toEqual(expected)
      expect(await iceberg.rows(table)).toEqual(expected)
    })

    it('a table that pyiceberg makes is written by Trino; tables are listed, renamed and dropped', async () => {
      const table = { namespace, table: 'theirs' }
      await iceberg.run([
        {
          do: 'create',
          ...table,
          columns: [
            ['id', 'long'],
            ['day', 'date'],
          ],
        },
        { do: 'append', ...table, rows: [{ id: 1, day: '2026-01-01' }] },
      ])
      await sql(`INSERT INTO ${layer}.theirs VALUES (2, NULL)`)
      await sql(`ALTER TABLE ${layer}.theirs RENAME TO ${layer}.ours`)
      expect(await iceberg.rows({ namespace, table: 'ours' })).toEqual([
        [1, '2026-01-01'],
        [2, null],
      ])
      expect(await iceberg.tables({ namespace })).toEqual(['arms', 'changing', 'ours'])
      await sql(`DROP TABLE ${layer}.ours`)
      expect(await sql(`SHOW TABLES FROM ${layer}`)).toEqual([['arms'], ['changing']])
    })
  })
}
