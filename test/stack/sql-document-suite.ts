import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, it } from 'vitest'
import { trinoCatalogProperties } from '../../lib/trino-catalog.ts'
import { python } from '../interop/python.ts'
import type { SqlSuiteOptions } from './sql-support.ts'

const path = join(import.meta.dirname, '..', '..', 'docs', 'sql.md')
const study = 'ilms'

interface Block {
  language: string
  text: string
}

/** The blocks of code of a document, in order. */
const readBlocks = (document: string): Block[] =>
  [...document.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language: language!, text: text! }))

/** The statements of a block: each ends with a semicolon at the end of a line. */
const splitStatements = (text: string): string[] =>
  text
    .split(/;\n/)
    .map(statement => statement.trim())
    .filter(statement => statement !== '')

/** What docs/sql.md tells people to do is done, in its order. Needs the sample's versions. */
export function documentSuite({ subject }: SqlSuiteOptions): void {
  describe('docs/sql.md', () => {
    let blocks: Block[]
    /** What the document leaves to its reader. */
    let values: Record<string, string>
    const fill = (text: string): string =>
      text.replace(/\$([A-Z][A-Z0-9_]*)/g, (_, name: string) => {
        if (values[name] === undefined) throw new Error(`docs/sql.md: nothing is known of $${name}`)
        return values[name]
      })

    beforeAll(async () => {
      blocks = readBlocks(await readFile(path, 'utf8'))
      const { url, token, objectStore } = subject().access
      values = {
        CATALOG_URL: url,
        CATALOG_TOKEN: token,
        S3_ENDPOINT: objectStore!.endpoint!,
        S3_REGION: objectStore!.region!,
        S3_ACCESS_KEY_ID: objectStore!.credentials!.accessKeyId,
        S3_SECRET_ACCESS_KEY: objectStore!.credentials!.secretAccessKey,
        COMMIT: (await subject().environment.lakefs.getBranch(study, 'v4'))!.commitId.slice(0, 12),
      }
    })

    /** Does what a line of lakectl does. */
    async function runLakectl(line: string): Promise<void> {
      const { lakefs } = subject().environment
      const place = /lakefs:\/\/([\w-]+)\/([\w-]+)/g
      const [[, repository, branch] = [], [, , other] = []] = [...line.matchAll(place)]
      if (!repository || !branch) throw new Error(`docs/sql.md: what does this mean? ${line}`)
      if (line.startsWith('lakectl branch create'))
        await lakefs.createBranch(repository, { name: branch, source: other! })
      else if (line.startsWith('lakectl branch delete')) await lakefs.deleteBranch(repository, branch)
      else if (line.startsWith('lakectl merge')) await lakefs.merge(repository, branch, other!)
      else if (line.startsWith('lakectl branch revert')) {
        const [, ref, parent] = /lakefs:\S+ (\S+) --parent-number (\d+)/.exec(line)!
        await lakefs.revert(repository, branch, { ref: ref!, parent: Number(parent) })
      } else throw new Error(`docs/sql.md: what does this mean? ${line}`)
    }

    async function runSql(statement: string): Promise<void> {
      const refused = /^-- refused: /.test(statement)
      if (refused)
        await expect(subject().query(statement), statement).rejects.toThrow(
          /^Trino: (?:.*Forbidden: .+ is a version|Server does not support|.* does not exist)/,
        )
      else if (/^CREATE CATALOG/.test(statement)) {
        // Trino has one of that name.
        await subject().query(statement.replace('CATALOG studylake', 'CATALOG documented'))
        await subject().query(`SELECT * FROM documented."${study}@v4.raw".patients`)
        await subject().query('DROP CATALOG documented')
      } else
        await subject()
          .query(statement)
          .catch(cause => {
            throw new Error(`docs/sql.md: ${(cause as Error).message}\n${statement}`, { cause })
          })
    }

    it('gives Trino the properties that the local stack does, as a statement and as a file', () => {
      const expected = trinoCatalogProperties(subject().access)
      const [file] = blocks.filter(({ language }) => language === 'properties')
      const lines = fill(file!.text).trim().split('\n')
      expect(lines).toEqual(['connector.name=iceberg', ...Object.entries(expected).map(pair => pair.join('='))])
      const statement = blocks.find(({ text }) => text.startsWith('CREATE CATALOG'))!
      const pairs = [...fill(statement.text).matchAll(/"([^"]+)" = '([^']*)'/g)].map(([, name, value]) => [name, value])
      expect(Object.fromEntries(pairs)).toEqual(expected)
    })

    it('has statements that Trino runs, and refuses where it says so, and branches of lakeFS between them', async () => {
      let [statements, lines] = [0, 0]
      for (const { language, text } of blocks) {
        if (language === 'sql')
          for (const statement of splitStatements(text)) {
            await runSql(fill(statement))
            statements++
          }
        if (language === 'sh')
          for (const line of text.split('\n').filter(line => line.startsWith('lakectl '))) {
            await runLakectl(line)
            lines++
          }
      }
      expect(statements).toBeGreaterThan(20)
      expect(lines).toBeGreaterThan(4)
    })

    it('has a script that pyiceberg runs', async () => {
      const [script] = blocks.filter(({ language }) => language === 'python')
      const { stdout } = await promisify(execFile)(python!, ['-c', script!.text], {
        env: { ...process.env, ...values },
      })
      expect(stdout).toBe('36\n')
    })
  })
}
