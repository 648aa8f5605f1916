import { z } from 'zod'
import type { EngineNames } from './engine/engine.ts'
import { findNameProblem } from './engine/names.ts'
import { type Layer, layers } from './layout.ts'
import type { TrinoCatalogOptions } from './trino-catalog.ts'

const address = z.url({ protocol: /^https?$/ })
const count = (initial: number) => z.coerce.number().int().min(0).default(initial)
const token = z.string().min(16)

const schema = z.object({
  LANDING_BUCKET: z.string().min(1),
  LAKE_BUCKET: z.string().min(1),
  LAKEFS_ENDPOINT: address,
  LAKEFS_ACCESS_KEY_ID: z.string().min(1),
  LAKEFS_SECRET_ACCESS_KEY: z.string().min(1),
  /** Where lakeFS reaches the gate: the `check` function's URL. */
  GATE_URL: address,
  /** Shared by lakeFS (as LAKEFSACTION_GATE_TOKEN) and `check`. */
  GATE_TOKEN: token,
  /** Seconds for which no landing object of a version may have changed before it is registered. */
  SETTLE_SECONDS: count(5),
  /** Seconds after the last upload when an incomplete version gets a report that says what is missing. */
  WAIT_REPORT_SECONDS: count(900),
  /** Seconds between two looks of the schedule. */
  SCHEDULE_SECONDS: z.coerce.number().int().min(1).default(300),
  ROW_GROUP_ROWS: z.coerce.number().int().min(1).default(131_072),
  /** Bytes of typed columns, estimated. */
  ROW_GROUP_BYTES: z.coerce
    .number()
    .int()
    .min(1024)
    .default(64 * 2 ** 20),
  /** Bytes of the largest lawful CSV cell. */
  MAX_CELL_BYTES: z.coerce
    .number()
    .int()
    .min(1)
    .default(16 * 2 ** 20),
})

const bridgeSchema = z.object({
  /** Shared by MinIO (as its webhook's auth token) and `bridge`. */
  BRIDGE_TOKEN: token,
})

/** Written with commas. */
const layerList = z
  .string()
  .transform(text =>
    text
      .split(',')
      .map(name => name.trim())
      .filter(name => name !== ''),
  )
  .pipe(z.array(z.enum(layers as [Layer, ...Layer[]])))

const catalogSchema = z.object({
  /** Who may use the catalog, in JSON; see lib/catalog/tokens.ts. */
  CATALOG_TOKENS: z.string().min(1),
  /** The layers of a version into which SQL engines may write. */
  WRITABLE_LAYERS: layerList.prefault('work'),
  /** Seconds after which the hidden branch of a SQL commit was left behind: longer than a function may run. */
  SQL_BRANCH_SECONDS: count(3600),
  /** The object store as SQL engines reach it, which they are told of; by default as the functions do. */
  CATALOG_S3_ENDPOINT: address.optional(),
  CATALOG_S3_REGION: z.string().optional(),
  OBJECT_STORE_ENDPOINT: address.optional(),
  AWS_REGION: z.string().optional(),
})

const objectStoreSchema = z.object({
  /** Of an object store that is not S3: MinIO. */
  OBJECT_STORE_ENDPOINT: address.optional(),
  OBJECT_STORE_ACCESS_KEY_ID: z.string().optional(),
  OBJECT_STORE_SECRET_ACCESS_KEY: z.string().optional(),
  /** The AWS SDK's own: where an emulator of AWS answers. */
  AWS_ENDPOINT_URL: z.string().optional(),
  AWS_ENDPOINT_URL_S3: z.string().optional(),
})

const querySchema = objectStoreSchema.extend({
  /** Where Trino answers. */
  TRINO_URL: address.optional(),
  TRINO_USER: z.string().optional(),
  /** Only over HTTPS does Trino take one. */
  TRINO_PASSWORD: z.string().optional(),
  /** The Iceberg REST catalog, as Trino reaches it. */
  CATALOG_URL: address.optional(),
  CATALOG_TOKEN: z.string().optional(),
  AWS_REGION: z.string().optional(),
})

const engineSchema = z.object({
  /** Where the Trino answers whose Hive catalog stands beside the lake. Without it no engine is asked. */
  HIVE_TRINO_URL: address.optional(),
  HIVE_TRINO_USER: z.string().default('studylake'),
  /** Only over HTTPS does Trino take one. */
  HIVE_TRINO_PASSWORD: z.string().optional(),
  HIVE_CATALOG: z.string().default('hive'),
  HIVE_SCHEMA: z.string().default('{study}__{version}'),
  HIVE_TABLE: z.string().default('{layer}_{dataset}'),
  /** Those that are registered. */
  HIVE_LAYERS: layerList.pipe(z.array(z.enum(['raw', 'base', 'keys'])).min(1)).prefault('raw,base,keys'),
})

/** The variable that holds each queue's URL. A function is given those that it reads or sends to, and no others. */
export const queueVariables = {
  landing: 'LANDING_QUEUE_URL',
  convert: 'CONVERT_QUEUE_URL',
  register: 'REGISTER_QUEUE_URL',
  keys: 'KEYS_QUEUE_URL',
  addKeys: 'ADD_KEYS_QUEUE_URL',
  commit: 'COMMIT_QUEUE_URL',
} as const

/** The variable that holds the URL of each queue's dead-letter queue: for the commands that look into them. */
export const deadLetterVariables = {
  landing: 'LANDING_DLQ_URL',
  convert: 'CONVERT_DLQ_URL',
  register: 'REGISTER_DLQ_URL',
  keys: 'KEYS_DLQ_URL',
  addKeys: 'ADD_KEYS_DLQ_URL',
  commit: 'COMMIT_DLQ_URL',
} as const satisfies Record<keyof typeof queueVariables, string>

/**
 * Secrets, by the variable that names one in Secrets Manager, and the variables that it stands for: a secret of two is JSON with
 * `accessKeyId` and `secretAccessKey`, a secret of one is the text itself.
 */
export const secretVariables = {
  LAKEFS_SECRET_ARN: ['LAKEFS_ACCESS_KEY_ID', 'LAKEFS_SECRET_ACCESS_KEY'],
  OBJECT_STORE_SECRET_ARN: ['OBJECT_STORE_ACCESS_KEY_ID', 'OBJECT_STORE_SECRET_ACCESS_KEY'],
  GATE_TOKEN_SECRET_ARN: ['GATE_TOKEN'],
  BRIDGE_TOKEN_SECRET_ARN: ['BRIDGE_TOKEN'],
  CATALOG_TOKENS_SECRET_ARN: ['CATALOG_TOKENS'],
  HIVE_TRINO_SECRET_ARN: ['HIVE_TRINO_PASSWORD'],
} as const

type Variables = Record<string, string | undefined>

/** Every variable that a deployed function may be given. */
export type VariableName =
  | keyof typeof schema.shape
  | Exclude<keyof typeof catalogSchema.shape, 'AWS_REGION'>
  | Exclude<keyof typeof engineSchema.shape, 'HIVE_TRINO_PASSWORD'>
  // Optional servers, for the steps that use them.
  | 'TRINO_ENDPOINT'
  | 'MARQUEZ_ENDPOINT'
  | (typeof queueVariables)[keyof typeof queueVariables]
  | keyof typeof secretVariables

/** What only some functions need, and only they are given. */
export type ConfigSection = 'lakefs' | 'gateUrl' | 'gateToken'

const sectionVariables = {
  lakefs: ['LAKEFS_ENDPOINT', 'LAKEFS_ACCESS_KEY_ID', 'LAKEFS_SECRET_ACCESS_KEY'],
  gateUrl: ['GATE_URL'],
  gateToken: ['GATE_TOKEN'],
} as const satisfies Record<ConfigSection, readonly (keyof typeof schema.shape)[]>

export const configSections = Object.keys(sectionVariables) as readonly ConfigSection[]

export interface Config {
  landingBucket: string
  lakeBucket: string
  lakefs: { endpoint: string; accessKeyId: string; secretAccessKey: string }
  gate: { url: string; token: string }
  settleSeconds: number
  waitReportSeconds: number
  scheduleSeconds: number
  rowGroupRows: number
  rowGroupBytes: number
  maxCellBytes: number
}

/** Throws an Error that names every variable that is missing or does not fit, never its value. */
function parseVariables<Values>(shape: z.ZodType<Values>, environment: Variables): Values {
  // An empty variable is one that was not set: as a number it would pass for 0.
  const set = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''))
  const parsed = shape.safeParse(set)
  if (parsed.success) return parsed.data
  const lines = parsed.error.issues.map(({ path, message }) => {
    const name = path.join('.')
    return set[name] === undefined ? `${name} is not set` : `${name}: ${message}`
  })
  throw new Error(`configuration: ${lines.join('; ')}`)
}

/**
 * The project's configuration from environment variables: the one place that knows their names.
 * `sections` are those that must be there; what belongs to others may be missing, and throws where it is read all the same.
 * Throws an Error that names every variable that is missing or does not fit, never its value.
 */
export function readConfig(
  environment: Variables,
  { sections = configSections }: { sections?: readonly ConfigSection[] } = {},
): Config {
  const spared = configSections.filter(section => !sections.includes(section))
  const optional = spared.flatMap(section => sectionVariables[section].map(name => [name, true]))
  const values = parseVariables(schema.partial(Object.fromEntries(optional)), environment) as z.infer<typeof schema>
  const demand = (name: keyof typeof schema.shape & (typeof sectionVariables)[ConfigSection][number]): string => {
    if (values[name] === undefined) throw new Error(`configuration: ${name} is not set`)
    return values[name]
  }
  return {
    landingBucket: values.LANDING_BUCKET,
    lakeBucket: values.LAKE_BUCKET,
    lakefs: {
      get endpoint() {
        return demand('LAKEFS_ENDPOINT')
      },
      get accessKeyId() {
        return demand('LAKEFS_ACCESS_KEY_ID')
      },
      get secretAccessKey() {
        return demand('LAKEFS_SECRET_ACCESS_KEY')
      },
    },
    gate: {
      get url() {
        return demand('GATE_URL')
      },
      get token() {
        return demand('GATE_TOKEN')
      },
    },
    settleSeconds: values.SETTLE_SECONDS,
    waitReportSeconds: values.WAIT_REPORT_SECONDS,
    scheduleSeconds: values.SCHEDULE_SECONDS,
    rowGroupRows: values.ROW_GROUP_ROWS,
    rowGroupBytes: values.ROW_GROUP_BYTES,
    maxCellBytes: values.MAX_CELL_BYTES,
  }
}

/** The configuration of `bridge`, which needs nothing else. Throws like readConfig. */
export function readBridgeConfig(environment: Variables): { token: string } {
  return { token: parseVariables(bridgeSchema, environment).BRIDGE_TOKEN }
}

export interface CatalogConfig {
  /** The text that lib/catalog/tokens.ts reads. */
  tokens: string
  /** Of versions. */
  writableLayers: readonly Layer[]
  /** Age at which hidden branches of SQL commits are deleted. */
  sqlBranchSeconds: number
  /** What clients are told of the object store; both missing = S3 as they find it. */
  objectStore: { endpoint?: string; region?: string }
}

/** What `catalog` needs beside its environment. Throws like readConfig. */
export function readCatalogConfig(environment: Variables): CatalogConfig {
  const values = parseVariables(catalogSchema, environment)
  const endpoint = values.CATALOG_S3_ENDPOINT ?? values.OBJECT_STORE_ENDPOINT
  const region = values.CATALOG_S3_REGION ?? values.AWS_REGION
  return {
    tokens: values.CATALOG_TOKENS,
    writableLayers: values.WRITABLE_LAYERS,
    sqlBranchSeconds: values.SQL_BRANCH_SECONDS,
    objectStore: { ...(endpoint && { endpoint }), ...(region && { region }) },
  }
}

/** A Hive-style catalog beside the lake: where it is asked, and by what names tables are registered there. */
export interface EngineConfig {
  url: string
  user: string
  password?: string
  catalog: string
  names: EngineNames
}

/** The engine beside the lake; undefined where none is named. One that is only half configured is an error. Throws like readConfig. */
export function readEngineConfig(environment: Variables): EngineConfig | undefined {
  const values = parseVariables(engineSchema, environment)
  const { HIVE_TRINO_URL: url, HIVE_TRINO_USER: user, HIVE_TRINO_PASSWORD: password, HIVE_CATALOG: catalog } = values
  if (url === undefined) {
    const set = Object.keys(engineSchema.shape).find(name => environment[name])
    if (set) throw new Error(`configuration: HIVE_TRINO_URL is not set, though ${set} is`)
    return undefined
  }
  if (password !== undefined && !url.startsWith('https:'))
    throw new Error('configuration: HIVE_TRINO_URL: a password is sent over https only')
  const names = { schema: values.HIVE_SCHEMA, table: values.HIVE_TABLE, layers: values.HIVE_LAYERS }
  const problem = findNameProblem(names)
  if (problem) throw new Error(`configuration: HIVE_SCHEMA, HIVE_TABLE, HIVE_LAYERS: ${problem}`)
  return { url, user, password, catalog, names }
}

/** How the object store is reached; empty for S3 itself, with the function's own role. The names are those of the SDK's client. */
export interface ObjectStoreConnection {
  endpoint?: string
  forcePathStyle?: boolean
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

/** The object store's connection. Throws like readConfig. */
export function readObjectStoreConnection(environment: Variables): ObjectStoreConnection {
  const values = parseVariables(objectStoreSchema, environment)
  const { OBJECT_STORE_ENDPOINT: endpoint, OBJECT_STORE_ACCESS_KEY_ID: accessKeyId } = values
  const secretAccessKey = values.OBJECT_STORE_SECRET_ACCESS_KEY
  // What stands in for S3 has no host name for each bucket.
  const forcePathStyle = Boolean(endpoint ?? values.AWS_ENDPOINT_URL_S3 ?? values.AWS_ENDPOINT_URL)
  return {
    ...(endpoint ? { endpoint } : {}),
    ...(forcePathStyle ? { forcePathStyle } : {}),
    ...(accessKeyId && secretAccessKey ? { credentials: { accessKeyId, secretAccessKey } } : {}),
  }
}

/** The URL of a queue. Throws an Error that names the variable where it is missing. */
export function readQueueUrl(environment: Variables, queue: keyof typeof queueVariables): string {
  const url = environment[queueVariables[queue]]
  if (!url) throw new Error(`configuration: ${queueVariables[queue]} is not set`)
  return url
}

export interface DeadLetterConfig {
  /** Where the reasons are kept. */
  lakeBucket: string
  /** Those queues whose variables are set. */
  queues: { source: keyof typeof queueVariables; url: string; deadLetterUrl: string }[]
}

/**
 * The dead-letter queues of a deployment, each with its work queue. Throws an Error where no pair is set, only one of a pair is, or the lake bucket
 * is not; it names the variables.
 */
export function readDeadLetterConfig(environment: Variables): DeadLetterConfig {
  const missing: string[] = []
  const queues: DeadLetterConfig['queues'] = []
  for (const source of Object.keys(queueVariables) as (keyof typeof queueVariables)[]) {
    const [url, deadLetterUrl] = [environment[queueVariables[source]], environment[deadLetterVariables[source]]]
    if (url && deadLetterUrl) queues.push({ source, url, deadLetterUrl })
    else if (url || deadLetterUrl) missing.push(url ? deadLetterVariables[source] : queueVariables[source])
  }
  if (queues.length === 0 && missing.length === 0) missing.push(queueVariables.landing, deadLetterVariables.landing)
  const { LAKE_BUCKET: lakeBucket } = environment
  if (!lakeBucket) missing.push('LAKE_BUCKET')
  if (!lakeBucket || missing.length > 0)
    throw new Error(`configuration: ${missing.map(name => `${name} is not set`).join('; ')}`)
  return { lakeBucket, queues }
}

/** Where SQL is asked, and what a catalog is made from where Trino has none. */
export interface QueryConfig {
  trino: { url?: string; user?: string; password?: string }
  /** Undefined where the variables do not say where the catalog is. */
  catalog: TrinoCatalogOptions | undefined
}

/** The configuration of `studylake query`. Throws like readConfig. */
export function readQueryConfig(environment: Variables): QueryConfig {
  const values = parseVariables(querySchema, environment)
  const { TRINO_URL: url, TRINO_USER: user, TRINO_PASSWORD: password } = values
  const { CATALOG_URL: catalogUrl, CATALOG_TOKEN: token, AWS_REGION: region } = values
  // The keys of whoever asks are not for Trino to keep: only those that are named for the object store.
  const { credentials } = readObjectStoreConnection(environment)
  const endpoint = values.OBJECT_STORE_ENDPOINT ?? values.AWS_ENDPOINT_URL_S3 ?? values.AWS_ENDPOINT_URL
  return {
    trino: { url, user, password },
    catalog:
      catalogUrl && token ? { url: catalogUrl, token, objectStore: { endpoint, region, credentials } } : undefined,
  }
}
