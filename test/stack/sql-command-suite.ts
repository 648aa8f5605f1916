import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { describe, expect, it } from 'vitest'
import { type SqlSuiteOptions, tableName } from './sql-support.ts'
import { waitUntil } from './stack-subject.ts'

const launcher = join(import.meta.dirname, '..', '..', 'bin', 'studylake.mjs')

/** `studylake query` against a real Trino. */
export function commandSuite({ subject, study, version }: SqlSuiteOptions & { study: string; version: string }): void {
  describe('studylake query', () => {
    function start(args: string[]) {
      const { url, token, objectStore } = subject().access
      const child = spawn(process.execPath, [launcher, 'query', ...args], {
        env: {
          ...process.env,
          TRINO_URL: subject().endpoint,
          CATALOG_URL: url,
          CATALOG_TOKEN: token,
          OBJECT_STORE_ENDPOINT: objectStore?.endpoint,
          OBJECT_STORE_ACCESS_KEY_ID: objectStore?.credentials?.accessKeyId,
          OBJECT_STORE_SECRET_ACCESS_KEY: objectStore?.credentials?.secretAccessKey,
          AWS_REGION: objectStore?.region,
        },
      })
      const output = { stdout: '', stderr: '' }
      child.stdout.on('data', chunk => (output.stdout += chunk))
      child.stderr.on('data', chunk => (output.stderr += chunk))
      const ended = once(child, 'close').then(([code]) => ({ code, ...output }))
      return { child, ended }
    }
    const run = (...args: string[]) => start(args).ended
    const table = tableName(study, version, 'raw.lab_results')

    it('prints what Trino has, to the last digit', async () => {
      const values =
        "SELECT bigint '9223372036854775807' a, timestamp '2026-01-02 03:04:05.678901' b, decimal '1.10' c, '' d, cast(NULL AS varchar) e, array[bigint '-9007199254740993'] f"
      expect(await run(values, '--csv')).toEqual({
        code: 0,
        stdout: 'a,b,c,d,e,f\n9223372036854775807,2026-01-02 03:04:05.678901,1.10,"",,[-9007199254740993]\n',
        stderr: '',
      })
      expect(await run(values, '--json')).toEqual({
        code: 0,
        stdout:
          '[\n{"a":9223372036854775807,"b":"2026-01-02 03:04:05.678901","c":"1.10","d":"","e":null,"f":[-9007199254740993]}\n]\n',
        stderr: '',
      })
    })

    it('makes the catalog where it is missing, and prints a whole table', async () => {
      const catalog = 'made_by_command'
      try {
        const { code, stdout, stderr } = await run(
          `SELECT * FROM ${table} ORDER BY result_id`,
          '--csv',
          '--catalog',
          catalog,
        )
        expect([code, stderr]).toEqual([0, ''])
        const rows = await subject().query(`SELECT * FROM studylake.${table} ORDER BY result_id`)
        const [header, ...records] = parse(stdout, {
          cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
        }) as (string | null)[][]
        expect(header).toContain('result_id')
        expect(records).toEqual(rows.map(row => row.map(value => (value === null ? null : String(value)))))
        expect(await subject().query('SHOW CATALOGS')).toContainEqual([catalog])
      } finally {
        await subject().query(`DROP CATALOG IF EXISTS ${catalog}`)
      }
    })

    it('shows where a statement is wrong', async () => {
      const { code, stderr } = await run(`SELECT\n  nonsense FROM studylake.${table}`)
      expect([code, stderr]).toEqual([1, "studylake: line 2:3: Column 'nonsense' cannot be resolved\n"])
    })

    it('cancels the query in Trino on Ctrl-C', async () => {
      const numbers = 'unnest(sequence(1, 10000))'
      const name = `cancelled_${randomUUID().replaceAll('-', '')}`
      const { child, ended } = start([`SELECT count(*) AS ${name} FROM ${numbers}, ${numbers}, ${numbers}`])
      const find = () =>
        subject().query(
          `SELECT state, error_code FROM system.runtime.queries WHERE query LIKE 'SELECT count(*) AS ${name}%'`,
        )
      await waitUntil(async () => (await find())[0]?.[0] === 'RUNNING')
      child.kill('SIGINT')
      expect(await ended).toEqual({ code: 130, stdout: '', stderr: '' })
      expect(await find()).toEqual([['FAILED', 'USER_CANCELED']])
    })
  })
}
