import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LakefsServer, startLakefsServer } from '../../infra/local/lakefs/server.ts'
import { memoryStore } from '../support/memory-store.ts'
import { testLakefsClient } from './lakefs-client-suite.ts'
import type { Exchange, LakefsTarget } from './lakefs-exchange.ts'
import { fuzz } from './lakefs-fuzz.ts'
import { type HookReceiver, startHookReceiver } from './lakefs-hooks.ts'
import { play, scenarios } from './lakefs-suite.ts'
import { hookToken } from './lakefs-tokens.ts'

// A real lakeFS must run with this token too, and keep its repositories in an S3 store.
const hookEnvironment = { LAKEFSACTION_TOKEN: hookToken }
const credentials = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' }
const recordedFile = join(import.meta.dirname, 'lakefs.recorded.json')
const recorded: Record<string, Exchange[]> = existsSync(recordedFile)
  ? JSON.parse(readFileSync(recordedFile, 'utf8'))
  : {}

const { LAKEFS_ENDPOINT, LAKEFS_ACCESS_KEY_ID, LAKEFS_SECRET_ACCESS_KEY, LAKEFS_STORAGE_NAMESPACE } = process.env
const real: LakefsTarget | undefined =
  LAKEFS_ENDPOINT && LAKEFS_ACCESS_KEY_ID && LAKEFS_SECRET_ACCESS_KEY && LAKEFS_STORAGE_NAMESPACE
    ? {
        endpoint: LAKEFS_ENDPOINT,
        accessKeyId: LAKEFS_ACCESS_KEY_ID,
        secretAccessKey: LAKEFS_SECRET_ACCESS_KEY,
        storageNamespace: LAKEFS_STORAGE_NAMESPACE,
      }
    : undefined
const recording = process.env.STUDYLAKE_RECORD === '1'

let folder: string
let server: LakefsServer
let hooks: HookReceiver
const embedded = (): LakefsTarget => ({
  endpoint: server.endpoint,
  ...credentials,
  storageNamespace: 's3://lake/contract',
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studylake-lakefs-'))
  hooks = await startHookReceiver()
  server = await startLakefsServer({ folder, store: memoryStore(), credentials, env: hookEnvironment })
})
afterAll(async () => {
  await server.close()
  await hooks.close()
  await rm(folder, { recursive: true })
})

if (real) {
  describe('a real lakeFS answers as recorded', () => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(name, async () => {
        const exchanges = await play(scenario, real, hooks)
        if (recording) recorded[name] = exchanges
        else expect(exchanges).toEqual(recorded[name])
      })
    }
    afterAll(() => {
      if (!recording) return
      const lines = Object.keys(scenarios).map(name => {
        const exchanges = recorded[name]!.map(exchange => JSON.stringify(exchange))
        return `${JSON.stringify(name)}: [\n${exchanges.join(',\n')}\n]`
      })
      writeFileSync(recordedFile, `{\n${lines.join(',\n')}\n}\n`)
    })
  })

  describe('random series have one answer from both', () => {
    const first = Number(process.env.STUDYLAKE_FUZZ_SEED ?? 1000)
    const count = Number(process.env.STUDYLAKE_FUZZ ?? 20)
    for (let seed = first; seed < first + count; seed++) {
      test(`seed ${seed}`, async () => {
        const expected = await play(fuzz(seed), real, hooks)
        expect(await play(fuzz(seed), embedded(), hooks)).toEqual(expected)
      })
    }
  })

  testLakefsClient('a real lakeFS', () => ({ target: real, hooks }))
}

describe('the embedded server answers as the recorded lakeFS', () => {
  for (const [name, scenario] of Object.entries(scenarios)) {
    test(name, async () => {
      expect(await play(scenario, embedded(), hooks)).toEqual(recorded[name])
    })
  }
})

testLakefsClient('the embedded server', () => ({ target: embedded(), hooks }))
