import { type FunctionUrlResult, functionUrlEvent } from '../events/gate.ts'
import { scheduleEvent } from '../events/landing.ts'
import { sweepSqlBranches } from '../lib/catalog/commit/sweep.ts'
import { createCatalog } from '../lib/catalog/routes.ts'
import { parseTokens } from '../lib/catalog/tokens.ts'
import { type CatalogConfig, readCatalogConfig } from '../lib/config.ts'
import type { Environment } from '../lib/environment.ts'
import { judgeHeads } from '../lib/gate/unattested.ts'
import type { Log } from '../lib/log.ts'
import { settle } from '../lib/settle.ts'
import { createOnFirstUse, readEnvironment } from './from-process.ts'
import { describeError } from './middleware/describe-error.ts'
import type { FunctionContext } from './middleware/queue-function.ts'

export interface CatalogEnvironment {
  environment: Environment
  catalog: CatalogConfig
}

export type CatalogHandler = (event: unknown, context: FunctionContext) => Promise<FunctionUrlResult>

/** What clients may be told of the object store, by the names of their own settings. https://iceberg.apache.org/docs/latest/aws/ */
const clientConfig = ({ endpoint, region }: CatalogConfig['objectStore']): Record<string, string> => ({
  // What stands in for S3 has no host name for each bucket.
  ...(endpoint && { 's3.endpoint': endpoint, 's3.path-style-access': 'true' }),
  ...(region && { 'client.region': region }),
})

/** Heads that one round of the schedule judges at most, and seconds within which it begins with them: less than the function has. */
const headsAtOnce = { most: 20, seconds: 30 }

/** The schedule: deletes what commits that were cut off left behind, and judges heads that came about without the gate. */
async function lookAfter({ environment, catalog }: CatalogEnvironment, log: Log): Promise<void> {
  const sweep = async () => {
    const branches = await sweepSqlBranches(environment, { seconds: catalog.sqlBranchSeconds })
    if (branches > 0) log.warn('commits that were cut off are cleared away', { branches })
  }
  const judge = () =>
    judgeHeads(environment, {
      ...headsAtOnce,
      report({ unattested, left }) {
        for (const { study, branch, commit, problems } of unattested) {
          const codes = [...new Set(problems.map(({ code }) => code))].join(', ')
          log.error('UNATTESTED: a head that no gate saw does not pass it', { study, branch, commit, codes })
        }
        if (left > 0) log.warn('heads wait to be judged', { heads: left })
      },
    })
  // Neither keeps the other from its work.
  await settle([sweep(), judge()])
}

/**
 * The function URL by which SQL engines see every study at every version: an Iceberg REST catalog; and the schedule, which deletes what commits
 * that were cut off left behind, and judges what no gate saw. It makes these branches, judges what it serves, and has the rights that both take.
 */
export function createCatalogFunction({ environment, catalog: config }: CatalogEnvironment): CatalogHandler {
  const log = environment.log.with({ function: 'catalog' })
  const catalog = createCatalog(
    { ...environment, log },
    {
      authenticate: parseTokens(config.tokens),
      writableLayers: config.writableLayers,
      clientConfig: clientConfig(config.objectStore),
      describeError,
    },
  )
  return async (event, context) => {
    if (scheduleEvent.safeParse(event).success) {
      await lookAfter({ environment, catalog: config }, log)
      return { statusCode: 204, body: '' }
    }
    const {
      rawPath,
      rawQueryString,
      headers,
      requestContext,
      body = '',
      isBase64Encoded,
    } = functionUrlEvent.parse(event)
    const answer = await catalog({
      method: requestContext.http.method,
      path: rawPath,
      query: new URLSearchParams(rawQueryString),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
      body: isBase64Encoded ? Buffer.from(body, 'base64').toString() : body,
      requestId: context.awsRequestId,
    })
    return { statusCode: answer.status, headers: answer.headers, body: answer.body }
  }
}

export const handler = createOnFirstUse(
  async (variables): Promise<CatalogEnvironment> => ({
    environment: await readEnvironment(variables, { sections: ['lakefs', 'gateUrl'] }),
    catalog: readCatalogConfig(variables),
  }),
  createCatalogFunction,
)
