import { isDeepStrictEqual } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import type { Fault } from '../../support/faults.ts'

const study = 'faults'
/** Small, since it is loaded very often: two datasets, two versions, all three entities, promotion. */
const first = {
  'contents.csv': 'dataset,field,type\ndm,USUBJID,string\ndm,SITEID,string\nsv,USUBJID,string\nsv,VISITNUM,double\n',
  'dm.csv': 'USUBJID,SITEID\nP1,S1\nP2,S1\n',
  'sv.csv': 'USUBJID,VISITNUM\nP1,1\nP2,\n',
}
const second = {
  'contents.csv': 'dataset,field,type\nsv,USUBJID,string\nsv,VISITNUM,double\n',
  'sv.csv': 'USUBJID,VISITNUM\nP3,1\nP1,1\n',
}
const options = { promote: true }
const day = 86_400

let test: TestEnvironment
beforeAll(async () => {
  test = await makeEnvironment()
})
afterAll(() => test.close())
beforeEach(() => test.reset())

/** Lands a version without an event for each file: the look of a schedule finds it, which keeps the messages few. */
async function land(version: string, files: Record<string, string>): Promise<void> {
  const bytes = (text: string) => new TextEncoder().encode(text)
  await test.landing.put(`${study}/study.json`, bytes(JSON.stringify(options)))
  for (const [file, text] of Object.entries(files)) await test.landing.put(`${study}/${version}/${file}`, bytes(text))
  const message = { rescan: { study, version, cause: `look at ${version}` } }
  await test.queues.landing.send([{ body: JSON.stringify(message) }])
}

/** What shall not depend on what went wrong: not the ids of commits, which never are the same, nor times. */
async function readAll() {
  const report = async (version: string) => ({
    ...(await test.readReport(study, version)),
    time: '',
    seconds: 0,
    commit: '',
    run: '',
  })
  const refs: Record<string, Map<string, string>> = {}
  for (const ref of ['v1@', 'v2@', 'keys@', 'main@']) refs[ref] = await test.readRef(study, ref)
  return {
    visible: (await test.listBranches(study)).filter(name => !name.startsWith('_')),
    data: [...test.lake.objects.keys()].filter(key => key.startsWith('data/')).sort(),
    reports: [await report('v1'), await report('v2')],
    refs,
  }
}

async function load(version: string, files: Record<string, string>, fault?: Fault): Promise<string[]> {
  let calls: string[] = []
  // Landing times are part of what is committed; pauses after failures are not to show in them.
  if (version === 'v2') test.clock.advanceTo(day)
  await land(version, files)
  await test.drain({
    fault,
    onCalls: names => {
      calls = names
    },
  })
  return calls
}

/** All of them (1) take half an hour: the usual run takes some, spread over the whole way and not the same for each kind. */
const stride = Number(process.env.STUDYLAKE_FAULT_STRIDE ?? 97)

describe('wherever one call goes wrong, the end is the same', () => {
  it.each([
    { kind: 'death', offset: 3 },
    { kind: 'failure', offset: 17 },
    { kind: 'lost-answer', offset: 31 },
  ] as const)('$kind', { timeout: 3_600_000 }, async ({ kind, offset }) => {
    const calls = [await load('v1', first), await load('v2', second)]
    const expected = await readAll()
    expect(expected.reports.map(({ status }) => status)).toEqual(['committed', 'committed'])
    const wrong: string[] = []
    for (const [disturbed, names] of calls.entries()) {
      for (let at = Math.min(offset, stride); at <= names.length; at += stride) {
        await test.reset()
        await load('v1', first, disturbed === 0 ? { kind, at } : undefined)
        await load('v2', second, disturbed === 1 ? { kind, at } : undefined)
        const found = await readAll()
        const place = `v${disturbed + 1}, call ${at}: ${names[at - 1]} after ${names[at - 2]}`
        if (!isDeepStrictEqual(found, expected)) wrong.push(place)
        // A fault that nobody noticed was none.
        if (!test.logged.some(({ level }) => level === 'error')) wrong.push(`${place} did not go wrong`)
      }
    }
    expect(wrong).toEqual([])
  })
})
