import { afterAll, beforeAll, beforeEach } from 'vitest'
import type { Environment, Queues } from '../../../lib/environment.ts'
import { parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { LakefsError } from '../../../lib/lakefs/client.ts'
import { makeEnvironment, type TestEnvironment } from '../../support/environment.ts'
import { readKeys } from '../../support/read-keys.ts'
import { smallStudy, smallStudyNext } from '../../support/small-study.ts'

export const study = 'steps'
const way: (keyof Queues)[] = ['landing', 'convert', 'register', 'keys', 'addKeys', 'commit']

/** Of the test file: there from its first test on, empty at the start of each. */
export let test: TestEnvironment

/** To be called at the top of a test file. */
export function useTestEnvironment(): void {
  beforeAll(async () => {
    test = await makeEnvironment()
  })
  afterAll(() => test.close())
  beforeEach(() => test.reset())
}

/** Works on all messages before the given queue's, and gives those that wait there. */
export async function workUpTo<Message>(source: keyof Queues): Promise<Message[]> {
  const before = way.slice(0, way.indexOf(source))
  for (let busy = true; busy; ) {
    busy = false
    for (const name of before) while (await test.step(name)) busy = true
  }
  const messages = await test.queues[source].receive({ max: 10 })
  for (const { receiptHandle } of messages) await test.queues[source].delete(receiptHandle)
  return messages.map(({ body }) => JSON.parse(body) as Message)
}
export const headOf = async (branch: string) => (await test.environment.lakefs.getBranch(study, branch))?.commitId
export const upload = (version: string, files: Record<string, string>) => test.upload({ study, version, files })
export const withLakefs = (
  lakefs: Partial<Environment['lakefs']>,
  config: Partial<Environment['config']> = {},
): Environment => ({
  ...test.environment,
  lakefs: { ...test.environment.lakefs, ...lakefs },
  config: { ...test.environment.config, ...config },
})
/** Other files for a version that is there: every dataset stays declared. */
export const changed = { ...smallStudy, 'dm.csv': smallStudyNext['dm.csv']! }
export const refusal = (status: number, detail = '') => new LakefsError('POST /x', { status, detail })

export async function patients(): Promise<Map<string, number>> {
  const text = (await test.readRef(study, 'keys@')).get('tables/keys/patient.json')!
  return readKeys(test.lake, parseTableMetadata(text))
}
