import { z } from 'zod'
import { readEngineConfig } from '../lib/config.ts'

const address = z.url({ protocol: /^https?$/ })
const bucketName = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/)
const secretArn = z.string().regex(/^arn:[^:]+:secretsmanager:/)
const whole = z.coerce.number().int()
const flag = z.union([z.boolean(), z.stringbool()])
/** On the command line a list is written with commas. */
const list = z
  .union([z.array(z.string()), z.string().transform(text => text.split(',').map(item => item.trim()))])
  .transform(items => items.filter(item => item !== ''))

/** Those that CloudWatch Logs knows. */
const retentionDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1827, 3653] as const

/** Every setting of the deployment: `cdk deploy -c name=value`, or "context" in cdk.json. */
const schema = z.object({
  stackName: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/)
    .default('studylake'),
  /** Where studies land: a bucket of S3, or one of MinIO, whose events come through the bridge. */
  landing: z.enum(['s3', 'minio']).default('s3'),
  /** Existing buckets. Without them the stack makes its own. With `landing=minio` both must be named. */
  landingBucket: bucketName.optional(),
  lakeBucket: bucketName.optional(),
  /** Names for the buckets that the stack makes; otherwise CloudFormation invents them. */
  newLandingBucketName: bucketName.optional(),
  newLakeBucketName: bucketName.optional(),
  /** MinIO's address, as the functions reach it. */
  objectStoreEndpoint: address.optional(),
  /** Without it the deployment asks for the parameter `LakefsEndpoint`. */
  lakefsEndpoint: address.optional(),
  trinoEndpoint: address.optional(),
  marquezEndpoint: address.optional(),
  /** Where lakeFS reaches the gate, if that is not the function URL itself. */
  gateUrl: address.optional(),
  /** For emulators: function URLs are reached as this address followed by their id. */
  functionUrlBase: address.optional(),
  /** Existing secrets, by their complete ARNs. Without them the stack makes its own. */
  lakefsSecretArn: secretArn.optional(),
  objectStoreSecretArn: secretArn.optional(),
  gateTokenSecretArn: secretArn.optional(),
  bridgeTokenSecretArn: secretArn.optional(),
  catalogTokensSecretArn: secretArn.optional(),
  /** A lakeFS is usually private: the functions then run in these subnets. */
  vpcId: z.string().optional(),
  subnetIds: list.default([]),
  /** Without them, and with `vpcId`, the stack makes one that lets out and nothing in. */
  securityGroupIds: list.default([]),
  settleSeconds: whole.min(0).max(900).optional(),
  waitReportSeconds: whole.min(0).optional(),
  /** Whole minutes. */
  scheduleSeconds: whole.min(60).multipleOf(60).default(300),
  rowGroupRows: whole.min(1).optional(),
  rowGroupBytes: whole.min(1024).optional(),
  maxCellBytes: whole.min(1).optional(),
  /** The layers of a version into which SQL engines may write: `work`. With commas. */
  writableLayers: z.string().optional(),
  sqlBranchSeconds: whole.min(900).optional(),
  /** The object store as SQL engines reach it, if not as the functions do. */
  catalogS3Endpoint: address.optional(),
  catalogS3Region: z.string().optional(),
  /** A Hive-style catalog beside the lake, which the gate asks; see lib/config.ts. */
  hiveTrinoUrl: address.optional(),
  hiveTrinoUser: z.string().optional(),
  hiveTrinoSecretArn: secretArn.optional(),
  hiveCatalog: z.string().optional(),
  hiveSchema: z.string().optional(),
  hiveTable: z.string().optional(),
  hiveLayers: z.string().optional(),
  /** What becomes of buckets when the stack is destroyed. A bucket that holds something is never destroyed. */
  removalPolicy: z.enum(['retain', 'destroy']).default('retain'),
  /** Times that a message is handed out before it goes to the dead-letter queue; the pauses between double from five seconds. */
  maxReceiveCount: whole.min(1).max(1000).default(10),
  /** Seconds: no function may take longer. A shorter one makes work return sooner that a dying function held. */
  maxTimeoutSeconds: whole.min(10).max(900).default(900),
  /** Conversions at once. */
  convertConcurrency: whole.min(2).max(1000).default(20),
  logRetentionDays: z.coerce.number().pipe(z.literal(retentionDays)).default(30),
  /** Days that the lake bucket keeps why a message failed. A message lies in a dead-letter queue for 14 days. */
  failureRetentionDays: whole.min(14).max(3650).default(90),
  /** AWS X-Ray. */
  tracing: flag.default(false),
  /** For emulators: functions carry the AWS SDK, which Lambda's own runtime has. */
  bundleSdk: flag.default(false),
  alarmEmail: z.email().optional(),
  /** Further tags of every resource: `owner=trials,stage=test`. */
  tags: list.default([]),
})

export type Settings = z.infer<typeof schema>

/** Reads the settings; `context` gives the value of a name or undefined. Throws an Error that names each one that does not fit. */
export function readSettings(context: (name: string) => unknown): Settings {
  const given = Object.keys(schema.shape).map(name => [name, context(name) === '' ? undefined : context(name)])
  const parsed = schema.safeParse(Object.fromEntries(given))
  if (!parsed.success) {
    throw new Error(
      `settings: ${parsed.error.issues.map(({ path, message }) => `${path[0]?.toString()}: ${message}`).join('; ')}`,
    )
  }
  const problem = findContradiction(parsed.data)
  if (problem) throw new Error(`settings: ${problem}`)
  return parsed.data
}

function findContradiction(settings: Settings): string | undefined {
  const { landing, landingBucket, lakeBucket, objectStoreEndpoint, subnetIds, securityGroupIds, vpcId } = settings
  if (landing === 'minio' && !(objectStoreEndpoint && landingBucket && lakeBucket))
    return 'landing=minio needs objectStoreEndpoint, landingBucket and lakeBucket'
  if (landing === 's3' && objectStoreEndpoint) return 'objectStoreEndpoint is for landing=minio'
  if (subnetIds.length > 0 && securityGroupIds.length === 0 && !vpcId)
    return 'subnetIds needs securityGroupIds, or a vpcId in which to make one'
  if (subnetIds.length === 0 && (securityGroupIds.length > 0 || vpcId))
    return 'vpcId and securityGroupIds need subnetIds'
  const engine = findEngineContradiction(settings)
  if (engine) return engine
  const tag = settings.tags.find(item => !/^[^=]+=./.test(item))
  return tag === undefined ? undefined : `tags: "${tag}" is not name=value`
}

/** The variables by which functions are told of the engine beside the lake; the secret is theirs to read. */
export function engineVariables(settings: Settings) {
  const values = {
    HIVE_TRINO_URL: settings.hiveTrinoUrl,
    HIVE_TRINO_USER: settings.hiveTrinoUser,
    HIVE_TRINO_SECRET_ARN: settings.hiveTrinoSecretArn,
    HIVE_CATALOG: settings.hiveCatalog,
    HIVE_SCHEMA: settings.hiveSchema,
    HIVE_TABLE: settings.hiveTable,
    HIVE_LAYERS: settings.hiveLayers,
  }
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Record<keyof typeof values, string>
  >
}

/** What the functions would say of it at their first invocation is said when deploying. */
function findEngineContradiction(settings: Settings): string | undefined {
  const { HIVE_TRINO_SECRET_ARN: secret, ...variables } = engineVariables(settings)
  try {
    readEngineConfig({ ...variables, ...(secret && { HIVE_TRINO_PASSWORD: secret }) })
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
