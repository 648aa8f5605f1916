import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { waitForVersion } from '../../infra/stack/session.ts'
import { type Stack, startStack } from '../../infra/stack/stack.ts'
import { landingKey } from '../../lib/layout.ts'
import { python } from '../interop/python.ts'
import { makeTemporaryFolder, readFolder } from '../support/test-platform.ts'
import { chooseLandings } from './landings.ts'
import { branchSuite } from './sql-branch-suite.ts'
import { commandSuite } from './sql-command-suite.ts'
import { concurrencySuite } from './sql-concurrency-suite.ts'
import { documentSuite } from './sql-document-suite.ts'
import { type LoadedStudy, readSuite, realStudy, sampleStudy } from './sql-read-suite.ts'
import type { SqlSubject } from './sql-support.ts'
import { writeSuite } from './sql-write-suite.ts'

const studies = process.env.STUDYLAKE_STUDIES
const loaded: LoadedStudy[] = [sampleStudy, ...(studies ? [realStudy(studies)] : [])]
/** The sample again, for what changes it. */
const [changed, written] = ['ilms-changed', 'ilms-written']

describe.runIf(python && chooseLandings().includes('minio'))(
  'SQL: Trino and pyiceberg over the deployed catalog',
  () => {
    let stack: Stack
    const cleanUps: (() => Promise<unknown>)[] = []

    async function load(study: string, version: string, folder: string): Promise<void> {
      for (const [file, bytes] of Object.entries(await readFolder(folder)))
        await stack.environment.landing.put(landingKey(study, version, file), bytes)
      const { state, report } = await waitForVersion(stack, { study, version })
      expect(state, JSON.stringify(report.problems)).toBe('committed')
    }
    const sampleFolder = (version: string): string => join(sampleStudy.folder, version)

    beforeAll(async () => {
      const { folder, cleanUp } = await makeTemporaryFolder()
      cleanUps.push(cleanUp)
      stack = await startStack({
        folder,
        landing: 'minio',
        containers: false,
        settleSeconds: 1,
        context: { convertConcurrency: '4' },
      })
      cleanUps.push(() => stack.close())
      if (!stack.trino) throw new Error('there is no Trino: npm run test:stack installs it')
      const versionByVersion = async ({ study, folder, versions }: LoadedStudy) => {
        for (const version of versions) await load(study, version, join(folder, version))
      }
      await Promise.all([
        ...loaded.map(versionByVersion),
        load(changed, 'v1', sampleFolder('v4')),
        load(written, 'v1', sampleFolder('v4')),
      ])
    }, 600_000)
    afterAll(async () => {
      for (const cleanUp of cleanUps.reverse()) await cleanUp()
    })

    const subject = (): SqlSubject => ({
      environment: stack.environment,
      query: stack.trino!.query,
      endpoint: stack.trino!.endpoint,
      access: stack.catalog,
    })
    for (const study of loaded) readSuite({ subject, loaded: study })
    commandSuite({ subject, study: sampleStudy.study, version: 'v4' })
    documentSuite({ subject })
    branchSuite({
      subject,
      study: changed,
      version: 'v1',
      deliverAgain: () => load(changed, 'v1', sampleFolder('v3')),
    })
    writeSuite({ subject, study: written, version: 'v1' })
    concurrencySuite({ subject, study: written, version: 'v1' })
  },
)
