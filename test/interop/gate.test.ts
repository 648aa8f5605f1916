import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { checkRef } from '../../lib/gate/check-ref.ts'
import { formatGateAction } from '../../lib/gate-action.ts'
import type { Lakefs } from '../../lib/lakefs/client.ts'
import { gatePath, keyOfAddress, tablePath } from '../../lib/layout.ts'
import { createDirectoryStore } from '../../lib/store/directory.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'
import { python, runPython } from './python.ts'

const study = 'trial'
const bucket = 'lake'
let folder: string
let lake: ObjectStore
let written: Record<string, string>
beforeAll(async () => {
  if (!python) return
  folder = await mkdtemp(join(tmpdir(), 'studylake-interop-'))
  lake = createDirectoryStore({ bucket, folder, now: () => new Date() })
  written = await runPython('write_foreign.py', { bucket, study }, { lake: { [bucket]: folder } })
})
afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true })
})

const action = new TextEncoder().encode(formatGateAction({ url: 'http://gate/' }))
/** A ref that holds one table: as much of lakeFS as the gate asks for it. */
function refWith(name: string, bytes: Uint8Array): Lakefs {
  const path = tablePath('work', name)
  return {
    async *listObjects() {
      for (const object of [gatePath, path]) yield { path: object }
    },
    getObject: async (_study: string, _ref: string, object: string) => (object === path ? bytes : action),
  } as unknown as Lakefs
}

async function judge(name: string) {
  const bytes = await lake.get(keyOfAddress(bucket, written[name]!)!)
  const { problems } = await checkRef({ lake, lakefs: refWith(name, bytes) }, study, 'mine', { profile: 'structure' })
  return problems
}

describe.skipIf(!python)('tables that pyiceberg wrote', () => {
  it.each([
    'everything',
    'without_snapshot',
    'files',
    'evolved',
    'partitioned',
    'odd_names',
    'mapped',
    'rolled_back',
    'upserted',
    'expired',
  ])('%s: the gate has nothing against it', async name => {
    expect(await judge(name)).toEqual([])
  })

  it.each([
    ['"name":"text","type":"string"', '"name":"text","type":"int"', 'footer-type'],
    ['"type":"fixed[5]"', '"type":"fixed[6]"', 'footer-type'],
    ['"type":"timestamptz"', '"type":"timestamp"', 'footer-type'],
    ['"type":"uuid"', '"type":"binary"', 'footer-type'],
    ['"type":"decimal(38, 10)"', '"type":"decimal(38, 9)"', 'footer-type'],
    ['"name":"y","type":"string","required":false', '"name":"y","type":"string","required":true', 'footer-nullability'],
    ['"element":"long"', '"element":"string"', 'footer-type'],
    ['"id":24,"name":"z"', '"id":24,"name":"w"', 'footer-name'],
    ['"key":"string"', '"key":"date"', 'footer-type'],
  ])('a schema that is edited by hand is found out: %s to %s', async (from, to, code) => {
    const bytes = await lake.get(keyOfAddress(bucket, written.everything!)!)
    const text = new TextDecoder().decode(bytes)
    expect(text).toContain(from)
    const edited = refWith('everything', new TextEncoder().encode(text.replaceAll(from, to)))
    const { problems } = await checkRef({ lake, lakefs: edited }, study, 'mine', { profile: 'structure' })
    expect(problems.map(problem => problem.code)).toEqual([code])
  })
})
