import { beforeAll, describe, expect, it } from 'vitest'
import type { SqlSuiteOptions } from './sql-support.ts'

/**
 * What lakeFS does to a branch it does to schema and data together, as SQL sees it. Needs the sample's v4 as `version` of `study`; `deliverAgain`
 * loads it once more, with fewer rows.
 */
export function branchSuite({
  subject,
  study,
  version,
  deliverAgain,
}: SqlSuiteOptions & { study: string; version: string; deliverAgain: () => Promise<void> }): void {
  describe('branches of lakeFS in SQL', () => {
    const sql = (statement: string) => subject().query(statement)
    const at = (ref: string, layer = 'raw') => `studylake."${study}@${ref}.${layer}"`
    const table = 'lab_results'
    const columnType = async (ref: string): Promise<unknown> => {
      const columns = await sql(`SHOW COLUMNS FROM ${at(ref)}.${table}`)
      return columns.find(([name]) => name === 'dilution')![1]
    }
    /** Everything that can be read of the table: the type, and what its values come to. */
    const look = async (ref: string) => {
      const [[rows, sum, most]] = (await sql(
        `SELECT count(*), sum(dilution), max(dilution) FROM ${at(ref)}.${table}`,
      )) as [[unknown, unknown, unknown]]
      return { type: await columnType(ref), rows, sum, most }
    }
    const head = async (branch: string): Promise<string> =>
      (await subject().environment.lakefs.getBranch(study, branch))!.commitId
    const countObjects = async (): Promise<number> => {
      let count = 0
      for (const prefix of ['data/', 'metadata/'])
        for await (const _ of subject().environment.lake.list(`${prefix}${study}/`)) count++
      return count
    }
    let lakefs: ReturnType<typeof subject>['environment']['lakefs']
    let delivered: Awaited<ReturnType<typeof look>>

    beforeAll(async () => {
      lakefs = subject().environment.lakefs
      delivered = await look(version)
      expect(delivered.type).toBe('integer')
    })

    it('a new branch shows all tables at once, and copies no data', async () => {
      const before = await countObjects()
      const list = (ref: string) =>
        sql(
          `SELECT substr(table_schema, length('${study}@${ref}.') + 1), table_name, column_name, data_type ` +
            `FROM studylake.information_schema.columns WHERE table_schema IN (${['raw', 'base', 'keys']
              .map(layer => `'${study}@${ref}.${layer}'`)
              .join(', ')}) ORDER BY 1, 2, ordinal_position`,
        )
      await lakefs.createBranch(study, { name: 'draft', source: version })
      const found = await list('draft')
      expect(found.length).toBeGreaterThan(50)
      expect(found).toEqual(await list(version))
      expect(await look('draft')).toEqual(delivered)
      expect(await countObjects()).toBe(before)
    })

    it('a change on the branch does not show on the version, nor at the commit that it comes from', async () => {
      const base = await head('draft')
      await sql(`ALTER TABLE ${at('draft')}.${table} ALTER COLUMN dilution SET DATA TYPE bigint`)
      await sql(`INSERT INTO ${at('draft')}.${table} (result_id, dilution) VALUES (1, 5000000000)`)
      const changed = await look('draft')
      expect(changed).toEqual({
        type: 'bigint',
        rows: Number(delivered.rows) + 1,
        sum: Number(delivered.sum) + 5_000_000_000,
        most: 5_000_000_000,
      })
      expect(await look(version)).toEqual(delivered)
      for (const ref of [base, base.slice(0, 12)]) expect(await look(ref)).toEqual(delivered)
    })

    it('a merge brings type and rows together, a revert takes both back, and so on', async () => {
      await lakefs.createBranch(study, { name: 'review', source: version })
      const before = await look('review')
      const { reference } = await lakefs.merge(study, 'draft', 'review', { message: 'Take the draft' })
      const changed = await look('draft')
      expect(await look('review')).toEqual(changed)

      await lakefs.revert(study, 'review', { ref: reference, parent: 1 })
      expect(await look('review')).toEqual(before)
      expect(await look(reference)).toEqual(changed)
      expect(await look('draft')).toEqual(changed)

      await lakefs.revert(study, 'review', { ref: await head('review') })
      expect(await look('review')).toEqual(changed)
    })

    it('a branch is reset by making it again at an earlier commit; what was there can still be read', async () => {
      const [earlier, later] = [await head(version), await head('review')]
      const changed = await look('review')
      await expect(lakefs.hardReset(study, 'review', earlier)).rejects.toMatchObject({ status: 403 })
      await lakefs.deleteBranch(study, 'review')
      await lakefs.createBranch(study, { name: 'review', source: earlier })
      expect(await look('review')).toEqual(delivered)
      expect(await look(later)).toEqual(changed)
      await sql(`UPDATE ${at('review')}.${table} SET dilution = 0`)
      expect(await look('review')).toEqual({ ...delivered, sum: 0, most: 0 })
    })

    it('a version takes no merge of a branch that has changed what was delivered, and no revert', async () => {
      const before = await head(version)
      const refused = (work: Promise<unknown>) => expect(work).rejects.toMatchObject({ status: 412 })
      await refused(lakefs.merge(study, 'draft', version, { message: 'Take the draft' }))
      await refused(lakefs.revert(study, version, { ref: before, parent: 1 }))
      expect(await head(version)).toBe(before)
      expect(await look(version)).toEqual(delivered)
    })

    it('tables of the layer work go into a version by a merge', async () => {
      await lakefs.createBranch(study, { name: 'mine', source: version })
      await sql(
        `CREATE TABLE ${at('mine', 'work')}.arms AS SELECT arm, count(*) n FROM ${at('mine')}.patients GROUP BY arm`,
      )
      await lakefs.merge(study, 'mine', version, { message: 'Add a table of arms' })
      const arms = await sql(`SELECT * FROM ${at(version, 'work')}.arms ORDER BY 1`)
      expect(arms.length).toBeGreaterThan(1)
      expect(arms).toEqual(await sql(`SELECT * FROM ${at('mine', 'work')}.arms ORDER BY 1`))
    })

    it('a later delivery shows in the version and on no branch that was made of it, and leaves what people wrote', async () => {
      const changed = await look('draft')
      const commit = await head(version)
      const arms = await sql(`SELECT * FROM ${at(version, 'work')}.arms ORDER BY 1`)
      await deliverAgain()
      const now = await look(version)
      expect(now.type).toBe('integer')
      expect(Number(now.rows)).toBeLessThan(Number(delivered.rows))
      expect(await look('draft')).toEqual(changed)
      expect(await look(commit)).toEqual(delivered)
      expect(await sql(`SELECT * FROM ${at(version, 'work')}.arms ORDER BY 1`)).toEqual(arms)
    })
  })
}
