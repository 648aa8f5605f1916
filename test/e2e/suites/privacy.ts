import { beforeAll, describe, expect, it } from 'vitest'
import { reportKey } from '../../../lib/layout.ts'
import { listObjects } from '../../support/committed-content.ts'
import { type Files, readLanded, type SubjectSuiteOptions, upload } from '../../support/subject.ts'

/** A text that is in a cell and may be nowhere but in data. */
const secret = 'Zq7canary'
const study = 'privacy'
const contents = [
  'dataset,field,type,label,nullable',
  'dm,USUBJID,string,,false',
  'dm,SITEID,string,,true',
  'dm,AGE,integer,,true',
  'dm,NOTE,string,,true',
  '',
].join('\n')
const header = 'USUBJID,SITEID,AGE,NOTE'

const accepted: Files = { good: `${header}\n${secret}-1,${secret}-S,61,${secret}\n` }
const rejected: Files = {
  'bad-value': `${header}\n${secret}-1,${secret}-S,${secret},x\n`,
  ragged: `${header}\n${secret}-1,${secret}\n`,
  quote: `${header}\n${secret}-1,${secret}"S,61,x\n`,
  'open-quote': `${header}\n"${secret}-1,S,61,x\n`,
  'headless-data': `${secret}-1,${secret}-2,61,${secret}\n`,
  'bad-bytes': `${header}\n${secret}-1,S,61,\u0000${secret}\n`,
  missing: `${header}\n,${secret},61,${secret}\n`,
}
const uploads = { ...accepted, ...rejected }

/** No cell value is anywhere but in data. */
export function privacySuite({ subject }: SubjectSuiteOptions): void {
  describe('a cell value', () => {
    beforeAll(async () => {
      await Promise.all(
        Object.entries(uploads).map(([version, csv]) =>
          upload(subject(), { study, version, files: { 'dm.csv': csv, 'contents.csv': contents } }),
        ),
      )
      await subject().settle()
    })

    it.each(Object.keys(uploads))('is in no report on %s', async version => {
      const { state, report } = await subject().judge(study, version)
      expect(state).toBe(version in accepted ? 'committed' : 'rejected')
      expect(JSON.stringify(report)).not.toContain(secret)
      expect(await readLanded(subject(), reportKey(study, version))).not.toContain(secret)
    })

    it('is in no outcome, attestation, metadata or reason of a failure', async () => {
      const { lake } = subject().environment
      const kept = (await listObjects(lake, '')).filter(
        key => key.endsWith('.json') && (key.includes(`/${study}/`) || key.startsWith('failures/')),
      )
      expect(kept.filter(key => !key.startsWith('lakefs/')).length).toBeGreaterThan(5)
      for (const key of kept) expect(new TextDecoder().decode(await lake.get(key)), key).not.toContain(secret)
    })

    it('is in no commit, and in no object of one', async () => {
      const { lakefs } = subject().environment
      let objects = 0
      for await (const commit of lakefs.log(study, 'good')) expect(JSON.stringify(commit)).not.toContain(secret)
      for await (const { path } of lakefs.listObjects(study, 'good')) {
        expect(new TextDecoder().decode(await lakefs.getObject(study, 'good', path)), path).not.toContain(secret)
        objects++
      }
      expect(objects).toBeGreaterThan(4)
    })

    it('is in no line of a log', async () => {
      const lines = await subject().readLogs()
      for (const name of ['receive', 'convert', 'register', 'assign-keys', 'add-keys', 'commit']) {
        const ofThis = lines.filter(line => line.includes(`"${name}"`) && line.includes(`"${study}"`))
        expect(ofThis.length, `lines of ${name}`).toBeGreaterThan(0)
      }
      for (const line of lines) expect(line).not.toContain(secret)
    })
  })
}
