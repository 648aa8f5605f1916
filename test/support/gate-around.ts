import { findUnattested } from '../../bin/support/print-unattested.ts'
import type { FunctionUrlEvent } from '../../events/gate.ts'
import { type CatalogHandler, createCatalogFunction } from '../../functions/catalog.ts'
import { readCatalogConfig } from '../../lib/config.ts'
import type { Problem } from '../../lib/errors.ts'
import { isAttested } from '../../lib/gate/attest.ts'
import type { Profile } from '../../lib/gate/profile.ts'
import { sqlBranch } from '../../lib/layout.ts'
import type { TestEnvironment } from './environment.ts'
import { type Change, put } from './gate-cases.ts'
import { readSample } from './samples.ts'

/** One visible branch of a study that somebody goes around the gate to change, and all who are asked about it afterwards. */
export interface Bystanders {
  /** Makes a hidden branch at a ref, changes and commits it. Resolves with its name. */
  prepare(source: string, ...changes: Change[]): Promise<string>
  headOf(branch: string): Promise<string>
  /** What the catalog answers who wants the table `raw.dm` of that ref. */
  ask(ref: string): Promise<{ status: number; message: string }>
  /** The schedule's turn. Resolves with the heads that it complained of. */
  wake(): Promise<{ branch: string; commit: string; codes: string[] }[]>
  isAttested(commit: string, profile: Profile): Promise<boolean>
  /** What `status` finds. */
  findUnattested(version: string): Promise<Problem[] | undefined>
  /** The object of a lawful table that people made. */
  makeTable(branch: string): Promise<Change>
}

const token = 'a-token-that-the-catalog-knows'
const context = { awsRequestId: 'request', getRemainingTimeInMillis: () => 60_000 }
const complaint = 'UNATTESTED: a head that no gate saw does not pass it'

export function makeBystanders(test: TestEnvironment, study: string): Bystanders {
  const { environment } = test
  const { lakefs } = environment
  const catalog: CatalogHandler = createCatalogFunction({
    environment,
    catalog: readCatalogConfig({
      CATALOG_TOKENS: JSON.stringify([{ name: 'ada', token, studies: ['*'], access: 'write' }]),
    }),
  })
  let turn = 0

  function call(rawPath: string, body?: unknown) {
    const sample = readSample<FunctionUrlEvent>('catalog-request')
    const http = { ...sample.requestContext.http, method: body ? 'POST' : 'GET', path: rawPath }
    const event = { ...sample, rawPath, rawQueryString: '', requestContext: { ...sample.requestContext, http } }
    return catalog({ ...event, ...(body ? { body: JSON.stringify(body) } : {}) }, context)
  }
  const pathOf = (ref: string, layer: string) =>
    `/v1/namespaces/${encodeURIComponent(`${study}@${ref}`)}%1F${layer}/tables`

  return {
    async prepare(source, ...changes) {
      const branch = sqlBranch(test.clock.now(), `${turn++}`.padStart(8, '0'))
      await lakefs.createBranch(study, { name: branch, source, hidden: true })
      for (const change of changes) await change({ test, study, branch, after: () => {} })
      await lakefs.commit(study, branch, { message: 'x', allowEmpty: true })
      return branch
    },
    async headOf(branch) {
      return (await lakefs.getBranch(study, branch))!.commitId
    },
    async ask(ref) {
      const { statusCode, body } = await call(`${pathOf(ref, 'raw')}/dm`)
      const { error } = JSON.parse(body) as { error?: { message: string } }
      return { status: statusCode, message: error?.message ?? '' }
    },
    async wake() {
      test.logged.length = 0
      const { statusCode } = await catalog(readSample('schedule'), context)
      if (statusCode !== 204) throw new Error(`the schedule was answered ${statusCode}`)
      return test.logged
        .filter(line => line.message === complaint && line.study === study)
        .map(({ branch, commit, codes }) => ({
          branch: String(branch),
          commit: String(commit),
          codes: String(codes).split(', '),
        }))
    },
    isAttested: (commit, profile) => isAttested(environment, { study, commit, profile }),
    findUnattested: version => findUnattested(environment, { study, version }),
    async makeTable(branch) {
      const schema = { type: 'struct', fields: [{ id: 1, name: 'n', type: 'long', required: false }] }
      const { statusCode, body } = await call(pathOf(branch, 'work'), { name: 'notes', schema })
      if (statusCode !== 200) throw new Error(body)
      const bytes = await lakefs.getObject(study, branch, 'tables/work/notes.json')
      return desk => put(desk, 'tables/work/notes.json', bytes!)
    },
  }
}
