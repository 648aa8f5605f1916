import { afterEach, expect, it } from 'vitest'
import { createLog } from '../../lib/log.ts'
import { finish, listLake, makeTemporaryFolder, openTestPlatform, upload } from '../support/test-platform.ts'

const cleanUps: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
})

/** A text that is in a cell and may be nowhere but in data. */
const secret = 'Zq7canary'
const contents = [
  'dataset,field,type,label,nullable',
  'dm,USUBJID,string,,false',
  'dm,SITEID,string,,true',
  'dm,AGE,integer,,true',
  'dm,NOTE,string,,true',
  '',
].join('\n')
const header = 'USUBJID,SITEID,AGE,NOTE'

const uploads: Record<string, string> = {
  good: `${header}\n${secret}-1,${secret}-S,61,${secret}\n`,
  'bad-value': `${header}\n${secret}-1,${secret}-S,${secret},x\n`,
  ragged: `${header}\n${secret}-1,${secret}\n`,
  quote: `${header}\n${secret}-1,${secret}"S,61,x\n`,
  'open-quote': `${header}\n"${secret}-1,S,61,x\n`,
  'headless-data': `${secret}-1,${secret}-2,61,${secret}\n`,
  'bad-bytes': `${header}\n${secret}-1,S,61,\u0000${secret}\n`,
  missing: `${header}\n,${secret},61,${secret}\n`,
}

it('lets no cell value into logs, reports, outcomes, attestations, messages that were given up or lakeFS commits', async () => {
  const { folder, cleanUp } = await makeTemporaryFolder()
  const lines: string[] = []
  const log = createLog({ write: line => lines.push(line), now: () => new Date(), level: 'debug' })
  const platform = await openTestPlatform({ folder, log })
  cleanUps.push(cleanUp, () => platform.close())
  const study = 'privacy'
  const outcomes: string[] = []
  for (const [version, csv] of Object.entries(uploads)) {
    await upload(platform, { study, version, files: { 'dm.csv': csv, 'contents.csv': contents } })
    const { state, report } = await finish(platform, study, version)
    outcomes.push(state)
    expect(JSON.stringify(report)).not.toContain(secret)
    expect(new TextDecoder().decode(await platform.landing.get(`${study}/${version}/_report.json`))).not.toContain(
      secret,
    )
  }
  expect(outcomes).toEqual(['committed', ...Array.from({ length: 7 }, () => 'rejected')])
  expect(lines.length).toBeGreaterThan(50)
  for (const line of lines) expect(line).not.toContain(secret)
  const { lake, lakefs } = platform.environment
  const kept = (await listLake(platform, '')).filter(key => /\.json$/.test(key) && !key.startsWith('lakefs/'))
  expect(kept.length).toBeGreaterThan(5)
  for (const key of kept) expect(new TextDecoder().decode(await lake.get(key)), key).not.toContain(secret)
  for await (const commit of lakefs.log(study, 'good')) expect(JSON.stringify(commit)).not.toContain(secret)
  for await (const { path } of lakefs.listObjects(study, 'good')) {
    expect(new TextDecoder().decode(await lakefs.getObject(study, 'good', path)), path).not.toContain(secret)
  }
})
