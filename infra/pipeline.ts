import { Duration } from 'aws-cdk-lib'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Construct } from 'constructs'
import type { Bundles, FunctionName } from './bundle.ts'
import type { FunctionDefaults, Variables } from './constructs/node-function.ts'
import type { Store } from './constructs/object-store.ts'
import { QueueFunction, type QueueFunctionProps } from './constructs/queue-function.ts'
import { UrlFunction } from './constructs/url-function.ts'
import { engineVariables, type Settings } from './settings.ts'

/** Keys that functions put into the landing bucket: reports, and nothing else. */
const reports = ['*_report.json']

export interface PipelineProps {
  settings: Settings
  bundles: Bundles
  defaults: FunctionDefaults
  landing: Store
  lake: Store
  lakefsEndpoint: string
  lakefsSecret: ISecret
  gateToken: ISecret
  /** The password of the engine beside the lake, where there is one. */
  engineSecret?: ISecret
  catalogTokens: ISecret
  alarmTopic: ITopic
}

/** The functions of a study's way with their queues, the gate, and the SQL catalog. */
export interface Pipeline {
  receive: QueueFunction
  convert: QueueFunction
  register: QueueFunction
  assignKeys: QueueFunction
  addKeys: QueueFunction
  commit: QueueFunction
  check: UrlFunction
  catalog: UrlFunction
}

/** Makes the functions, tells each where its work goes on, and lets it touch what it works with and no more. */
export function createPipeline(scope: Construct, props: PipelineProps): Pipeline {
  const { settings, bundles, defaults, landing, lake, lakefsEndpoint, lakefsSecret } = props
  const { gateToken, engineSecret, catalogTokens, alarmTopic } = props
  const engine: Variables = engineVariables(settings)
  const buckets: Variables = {
    LANDING_BUCKET: landing.bucketName,
    LAKE_BUCKET: lake.bucketName,
    ...tunables(settings),
  }
  const lakefs: Variables = {
    LAKEFS_ENDPOINT: lakefsEndpoint,
    LAKEFS_SECRET_ARN: lakefsSecret.secretArn,
    ...(settings.trinoEndpoint && { TRINO_ENDPOINT: settings.trinoEndpoint }),
    ...(settings.marquezEndpoint && { MARQUEZ_ENDPOINT: settings.marquezEndpoint }),
  }
  const common = (name: FunctionName) => ({ defaults, bundle: bundles[name] })
  const check = new UrlFunction(scope, 'Check', {
    ...common('check'),
    description: 'The gate: lakeFS asks it before every commit and merge',
    // lakeFS waits no longer.
    timeout: Duration.seconds(60),
    memory: 1769,
    functionUrlBase: settings.functionUrlBase,
    variables: { ...buckets, ...lakefs, ...engine, GATE_TOKEN_SECRET_ARN: gateToken.secretArn },
  })
  gateToken.grantRead(check.function)
  const gate: Variables = { GATE_URL: settings.gateUrl ?? check.url }
  const catalog = new UrlFunction(scope, 'Catalog', {
    ...common('catalog'),
    description: 'Iceberg REST catalog: every study at every version, for SQL engines',
    // What nobody has judged yet is judged when it is asked for.
    timeout: Duration.minutes(2),
    memory: 1769,
    functionUrlBase: settings.functionUrlBase,
    variables: {
      ...buckets,
      ...lakefs,
      ...gate,
      CATALOG_TOKENS_SECRET_ARN: catalogTokens.secretArn,
      ...(settings.writableLayers && { WRITABLE_LAYERS: settings.writableLayers }),
      ...(settings.sqlBranchSeconds && { SQL_BRANCH_SECONDS: String(settings.sqlBranchSeconds) }),
      ...(settings.catalogS3Endpoint && { CATALOG_S3_ENDPOINT: settings.catalogS3Endpoint }),
      ...(settings.catalogS3Region && { CATALOG_S3_REGION: settings.catalogS3Region }),
    },
  })
  catalogTokens.grantRead(catalog.function)
  const fed = (
    name: FunctionName,
    props: Omit<QueueFunctionProps, 'defaults' | 'bundle' | 'alarmTopic' | 'maxReceiveCount'>,
  ) =>
    new QueueFunction(scope, constructId(name), {
      ...common(name),
      ...props,
      alarmTopic,
      maxReceiveCount: settings.maxReceiveCount,
    })
  const receive = fed('receive', {
    source: 'landing',
    description: 'Finds what is to be done for the files that have landed',
    batchSize: 10,
    timeout: Duration.minutes(2),
    memory: 512,
    variables: buckets,
  })
  const convert = fed('convert', {
    source: 'convert',
    description: 'CSV to typed Parquet',
    maxConcurrency: settings.convertConcurrency,
    timeout: Duration.minutes(15),
    memory: 1769,
    alarmAge: Duration.hours(2),
    variables: buckets,
  })
  const register = fed('register', {
    source: 'register',
    fifo: true,
    description: 'Raw tables of a version that is complete',
    timeout: Duration.minutes(5),
    memory: 1024,
    variables: { ...buckets, ...lakefs, ...gate },
  })
  const assignKeys = fed('assign-keys', {
    source: 'keys',
    fifo: true,
    description: 'Surrogate keys for natural keys never seen',
    timeout: Duration.minutes(10),
    memory: 1769,
    variables: { ...buckets, ...lakefs, ...gate },
  })
  const addKeys = fed('add-keys', {
    source: 'addKeys',
    description: 'Base file and base table of one dataset',
    maxConcurrency: 10,
    timeout: Duration.minutes(10),
    memory: 1769,
    variables: { ...buckets, ...lakefs },
  })
  const commit = fed('commit', {
    source: 'commit',
    fifo: true,
    description: 'Judges a run, commits it, makes it the version',
    timeout: Duration.minutes(10),
    memory: 1769,
    variables: { ...buckets, ...lakefs, ...gate, ...engine },
  })

  // ── who sends to whom ───────────────────────────────────────────────────────────────────────────────────────────────────────
  receive.sendsTo(convert)
  receive.sendsTo(register)
  convert.sendsTo(register)
  // What has not settled is looked at again.
  register.sendsTo(receive)
  register.sendsTo(assignKeys)
  assignKeys.sendsTo(addKeys)
  addKeys.sendsTo(commit)
  commit.sendsTo(register)

  // ── who may touch what ──────────────────────────────────────────────────────────────────────────────────────────────────────
  for (const item of [register, assignKeys, addKeys, commit, check, catalog]) lakefsSecret.grantRead(item.function)
  for (const judge of [commit, check]) engineSecret?.grantRead(judge.function)
  landing.grant(receive, { read: ['*'], put: reports })
  landing.grant(convert, { read: ['*'] })
  landing.grant(register, { read: ['*'], put: reports })
  landing.grant(assignKeys, { read: reports, put: reports })
  landing.grant(commit, { read: ['*'], put: reports })
  lake.grant(receive, { read: ['data/*'] })
  lake.grant(convert, { read: ['data/*'], put: ['data/*'] })
  lake.grant(register, { read: ['data/*', 'metadata/*', 'attest/*'], put: ['metadata/*', 'attest/*'] })
  lake.grant(assignKeys, { read: ['data/*', 'metadata/*'], put: ['data/*', 'metadata/*'] })
  lake.grant(addKeys, { read: ['data/*', 'metadata/*'], put: ['data/*', 'metadata/*'] })
  for (const judge of [commit, check]) {
    lake.grant(judge, { read: ['data/*', 'metadata/*', 'attest/*'], put: ['attest/*'] })
  }
  lake.grant(catalog, { read: ['data/*', 'metadata/*', 'attest/*'], put: ['metadata/*', 'attest/*'] })
  // Why a message failed; "studylake dlq" shows it.
  for (const item of [receive, convert, register, assignKeys, addKeys, commit])
    lake.grant(item, { put: ['failures/*'] })

  return { receive, convert, register, assignKeys, addKeys, commit, check, catalog }
}

/** Variables of all functions that look at landing files: what they say decides the names of data files, so all must agree. */
function tunables(settings: Settings): Variables {
  const values = {
    SETTLE_SECONDS: settings.settleSeconds,
    WAIT_REPORT_SECONDS: settings.waitReportSeconds,
    SCHEDULE_SECONDS: settings.scheduleSeconds,
    ROW_GROUP_ROWS: settings.rowGroupRows,
    ROW_GROUP_BYTES: settings.rowGroupBytes,
    MAX_CELL_BYTES: settings.maxCellBytes,
  }
  const set = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(set.map(([name, value]) => [name, String(value)]))
}

/** `add-keys` and `addKeys` give `AddKeys`. */
export function constructId(name: string): string {
  return name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
