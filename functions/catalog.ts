import { type FunctionUrlResult, functionUrlEvent } from '../events/gate.ts'
import { scheduleEvent } from '../events/landing.ts'
import { sweepSqlBranches } from '../lib/catalog/commit/sweep.ts'
import { createCatalog } from '../lib/catalog/routes.ts'
import { parseTokens } from '../lib/catalog/tokens.ts'
import { type CatalogConfig, readCatalogConfig } from '../lib/config.ts'
import type { Environment } from '../lib/environment.ts'
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

/**
 * The function URL by which SQL engines see every study at every version: an Iceberg REST catalog; and the schedule, which deletes what commits
 * that were cut off left behind. It makes these branches, and has the rights that it takes.
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
      const branches = await sweepSqlBranches(environment, { seconds: config.sqlBranchSeconds })
      if (branches > 0) log.warn('commits that were cut off are cleared away', { branches })
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
