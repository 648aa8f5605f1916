import { setTimeout as sleep } from 'node:timers/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import { TrinoError } from '../../infra/stack/trino.ts'
import { createPyiceberg, type SqlSuiteOptions } from './sql-support.ts'

/** Rows that one statement, or one append, brings: all are there or none. */
const batchRows = 5
const batches = 2
const columns = ['writer', 'batch', 'seq']

interface Outcome {
  writer: string
  batch: number
  /** Null where the engine says that it cannot know: then all of its rows are there, or none. */
  committed: true | null
  /** That the engine handed on: another was first, more often than it tries again by itself. */
  refusals: number
}

/** What Trino says of a commit that did not go in because others were first, more often than it tries again. */
const isRefusal = (error: unknown): boolean => error instanceof TrinoError && /Commit failed: /.test(error.message)
/** … and of one of which it was told that nobody knows. */
const isDoubt = (error: unknown): boolean =>
  error instanceof TrinoError && /Cannot determine whether the commit was successful/.test(error.message)

/** Writers of two engines at once, and a reader that looks all the while. Needs a version in `study`. */
export function concurrencySuite({
  subject,
  study,
  version,
}: SqlSuiteOptions & { study: string; version: string }): void {
  describe('eight writers of two engines at once', () => {
    const branch = 'busy'
    const layer = `studylake."${study}@${branch}.work"`
    const namespace = [`${study}@${branch}`, 'work']
    const sql = (statement: string) => subject().query(statement)

    beforeAll(async () => {
      await subject().environment.lakefs.createBranch(study, { name: branch, source: version })
    })

    async function writeWithTrino(table: string, writer: string): Promise<Outcome[]> {
      const outcomes: Outcome[] = []
      for (let batch = 0; batch < batches; batch++) {
        const rows = Array.from({ length: batchRows }, (_, seq) => `('${writer}', ${batch}, ${seq})`)
        for (let refusals = 0; ; refusals++) {
          try {
            await sql(`INSERT INTO ${layer}.${table} VALUES ${rows.join(', ')}`)
            outcomes.push({ writer, batch, committed: true, refusals })
            break
          } catch (error) {
            if (isDoubt(error)) {
              outcomes.push({ writer, batch, committed: null, refusals })
              break
            }
            if (!isRefusal(error)) throw error
            await sleep(100 * (refusals + 1))
          }
        }
      }
      return outcomes
    }

    async function writeWithPyiceberg(table: string, writer: string): Promise<Outcome[]> {
      const step = { do: 'write_batches', namespace, table, writer, batches, size: batchRows, attempts: 100 }
      const [outcomes] = (await createPyiceberg(subject()).run([step])) as [Omit<Outcome, 'writer'>[]]
      return outcomes.map(outcome => ({ writer, ...outcome }))
    }

    /** Writes with four of each engine; `tableOf` says to which table. Resolves with what each was told. */
    const write = async (tableOf: (writer: number) => string): Promise<Outcome[]> => {
      const writers = Array.from({ length: 8 }, (_, at) =>
        (at % 2 === 0 ? writeWithTrino : writeWithPyiceberg)(tableOf(at), `w${at}`),
      )
      return (await Promise.all(writers)).flat()
    }

    const inOrder = (rows: unknown[][]): unknown[][] =>
      rows.sort((one, other) => (one.join() < other.join() ? -1 : one.join() > other.join() ? 1 : 0))

    /** Exactly the rows of those that were committed, and all or none of each whose engine does not know. Resolves with the batches that are there. */
    function expectRows(rows: unknown[][], outcomes: Outcome[]): Outcome[] {
      expect(outcomes).toHaveLength(8 * batches)
      const seen = new Set(rows.map(([writer, batch]) => `${writer} ${batch}`))
      const there = outcomes.filter(({ writer, batch, committed }) => committed || seen.has(`${writer} ${batch}`))
      const expected = there.flatMap(({ writer, batch }) =>
        Array.from({ length: batchRows }, (_, seq) => [writer, batch, seq]),
      )
      expect(inOrder(rows)).toEqual(inOrder(expected))
      return there
    }

    /** Looks at a table until it is told to stop. Resolves with what was wrong, and how often it looked. */
    async function watch(table: string, goesOn: () => boolean): Promise<{ looks: number; wrong: unknown[] }> {
      const wrong: unknown[] = []
      let [looks, before] = [0, 0]
      while (goesOn()) {
        const partial = await sql(
          `SELECT writer, batch, count(*) n, count(DISTINCT seq) d FROM ${layer}.${table} GROUP BY writer, batch`,
        )
        wrong.push(...partial.filter(([, , n, d]) => n !== batchRows || d !== batchRows))
        // A batch that was seen once is there for good.
        if (partial.length < before) wrong.push({ before, now: partial.length })
        before = partial.length
        looks++
      }
      return { looks, wrong }
    }

    it('on one table: nothing is lost, nothing is there twice, and no reader sees a part', async () => {
      await sql(`CREATE TABLE ${layer}.shared (writer varchar, batch bigint, seq bigint)`)
      let writing = true
      const watched = watch('shared', () => writing)
      const outcomes = await write(() => 'shared').finally(() => {
        writing = false
      })
      const { looks, wrong } = await watched
      expect(wrong).toEqual([])
      expect(looks).toBeGreaterThan(3)
      const there = expectRows(await sql(`SELECT ${columns} FROM ${layer}.shared`), outcomes)
      expectRows(await createPyiceberg(subject()).rows({ namespace, table: 'shared' }), outcomes)
      // Each is a snapshot of its own: none was written over, and none twice.
      const snapshots = await sql(
        `SELECT count(*) FROM ${layer}."shared$snapshots" WHERE element_at(summary, 'added-records') = '${batchRows}'`,
      )
      expect(snapshots).toEqual([[there.length]])
    })

    it('on eight tables: nobody is in the way of another', async () => {
      for (let at = 0; at < 8; at++)
        await sql(`CREATE TABLE ${layer}.own_${at} (writer varchar, batch bigint, seq bigint)`)
      const outcomes = await write(at => `own_${at}`)
      expect(outcomes.filter(({ refusals }) => refusals > 0)).toEqual([])
      const tables = Array.from({ length: 8 }, (_, at) => `SELECT ${columns} FROM ${layer}.own_${at}`)
      expectRows(await sql(tables.join(' UNION ALL ')), outcomes)
    })
  })
}
