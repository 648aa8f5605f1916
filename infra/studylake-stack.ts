import { Aws, CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack, type StackProps, Tags } from 'aws-cdk-lib'
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import type { Bundles, FunctionName } from './bundle.ts'
import { createAlarmTopic } from './constructs/alarm-topic.ts'
import { createDashboard } from './constructs/dashboard.ts'
import { announceExistingObjects, announceOwnObjects } from './constructs/landing-events.ts'
import type { FunctionDefaults, NodeFunction, Variables } from './constructs/node-function.ts'
import { Store } from './constructs/object-store.ts'
import { QueueFunction, type QueueFunctionProps } from './constructs/queue-function.ts'
import { keyPairSecret, tokenSecret } from './constructs/secrets.ts'
import { UrlFunction } from './constructs/url-function.ts'
import type { Settings } from './settings.ts'

/** Keys that functions put into the landing bucket: reports, and nothing else. */
const reports = ['*_report.json']

/** All of Studylake that runs in an account: buckets, queues, functions, secrets, alarms. lakeFS itself is somebody else's. */
export class StudylakeStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { settings, bundles, ...props }: StackProps & { settings: Settings; bundles: Bundles },
  ) {
    super(scope, id, props)
    const foreign = settings.landing === 'minio'
    const removalPolicy = settings.removalPolicy === 'destroy' ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN
    const landing = new Store(this, 'Landing', {
      existing: settings.landingBucket,
      newName: settings.newLandingBucketName,
      foreign,
      versioned: true,
      removalPolicy,
    })
    const lake = new Store(this, 'Lake', {
      existing: settings.lakeBucket,
      newName: settings.newLakeBucketName,
      foreign,
      // Its files are written once and never changed.
      versioned: false,
      removalPolicy,
    })
    const lakefsSecret = keyPairSecret(this, 'LakefsKey', {
      existing: settings.lakefsSecretArn,
      description: 'Studylake: access key of lakeFS, {"accessKeyId", "secretAccessKey"}',
    })
    const gateToken = tokenSecret(this, 'GateToken', {
      existing: settings.gateTokenSecretArn,
      description: 'Studylake: what lakeFS shows to the gate, its LAKEFSACTION_GATE_TOKEN',
    })
    const alarmTopic = createAlarmTopic(this, 'Alarms', { email: settings.alarmEmail })
    const defaults = this.functionDefaults(settings)

    // ── functions ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
    const buckets: Variables = {
      LANDING_BUCKET: landing.bucketName,
      LAKE_BUCKET: lake.bucketName,
      ...tunables(settings),
    }
    const lakefsEndpoint = settings.lakefsEndpoint ?? this.askForLakefs()
    const lakefs: Variables = {
      LAKEFS_ENDPOINT: lakefsEndpoint,
      LAKEFS_SECRET_ARN: lakefsSecret.secretArn,
      ...(settings.trinoEndpoint && { TRINO_ENDPOINT: settings.trinoEndpoint }),
      ...(settings.marquezEndpoint && { MARQUEZ_ENDPOINT: settings.marquezEndpoint }),
    }
    const common = (name: FunctionName) => ({ defaults, bundle: bundles[name] })
    const check = new UrlFunction(this, 'Check', {
      ...common('check'),
      description: 'The gate: lakeFS asks it before every commit and merge',
      // lakeFS waits no longer.
      timeout: Duration.seconds(60),
      memory: 1769,
      functionUrlBase: settings.functionUrlBase,
      variables: { ...buckets, ...lakefs, GATE_TOKEN_SECRET_ARN: gateToken.secretArn },
    })
    gateToken.grantRead(check.function)
    const gate: Variables = { GATE_URL: settings.gateUrl ?? check.url }
    const fed = (
      name: FunctionName,
      props: Omit<QueueFunctionProps, 'defaults' | 'bundle' | 'alarmTopic' | 'maxReceiveCount'>,
    ) =>
      new QueueFunction(this, constructId(name), {
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
      variables: { ...buckets, ...lakefs, ...gate },
    })
    const functions: Record<string, NodeFunction> = { receive, convert, register, assignKeys, addKeys, commit, check }

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
    for (const item of [register, assignKeys, addKeys, commit, check]) lakefsSecret.grantRead(item.function)
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
    // Why a message failed; "studylake dlq" shows it.
    for (const item of [receive, convert, register, assignKeys, addKeys, commit])
      lake.grant(item, { put: ['failures/*'] })

    // ── how files are noticed ───────────────────────────────────────────────────────────────────────────────────────────────────
    new Rule(this, 'Rescan', {
      description: 'Studylake: picks up what events have missed, reports what is incomplete',
      schedule: Schedule.rate(Duration.seconds(settings.scheduleSeconds)),
      // What one look misses the next one finds.
      targets: [new LambdaFunction(receive.function, { retryAttempts: 0 })],
    })
    if (landing.made) announceOwnObjects(landing.made, receive.queue)
    else if (landing.bucket) announceExistingObjects(landing.bucket, receive.queue)
    if (foreign) {
      const bridgeToken = tokenSecret(this, 'BridgeToken', {
        existing: settings.bridgeTokenSecretArn,
        description: 'Studylake: what MinIO shows to the bridge, the auth token of its webhook',
      })
      const bridge = new UrlFunction(this, 'Bridge', {
        ...common('bridge'),
        description: 'Puts object events of MinIO on the queue landing',
        timeout: Duration.seconds(30),
        memory: 512,
        functionUrlBase: settings.functionUrlBase,
        variables: { BRIDGE_TOKEN_SECRET_ARN: bridgeToken.secretArn, LANDING_QUEUE_URL: receive.queue.queueUrl },
      })
      bridgeToken.grantRead(bridge.function)
      receive.queue.grantSendMessages(bridge.function)
      const objectStoreKey = keyPairSecret(this, 'ObjectStoreKey', {
        existing: settings.objectStoreSecretArn,
        description: 'Studylake: access key of MinIO, {"accessKeyId", "secretAccessKey"}',
      })
      for (const item of Object.values(functions)) {
        item.addVariables({
          OBJECT_STORE_ENDPOINT: settings.objectStoreEndpoint,
          OBJECT_STORE_SECRET_ARN: objectStoreKey.secretArn,
        })
        objectStoreKey.grantRead(item.function)
      }
      functions.bridge = bridge
      this.output('BridgeUrl', bridge.url, 'The endpoint of MinIO’s webhook')
      this.outputSecret('BridgeToken', bridgeToken)
      this.outputSecret('ObjectStoreKey', objectStoreKey)
    }

    // ── what people look at ─────────────────────────────────────────────────────────────────────────────────────────────────────
    createDashboard(this, 'Dashboard', functions)
    this.output('LandingBucket', landing.bucketName, 'Upload studies to <study>/<version>/')
    this.output('LakeBucket', lake.bucketName, 'Point the storage of lakeFS here')
    this.output('CheckUrl', check.url, 'The gate')
    this.outputSecret('LakefsKey', lakefsSecret)
    this.outputSecret('GateToken', gateToken)
    this.output('AlarmTopicArn', alarmTopic.topicArn, 'Subscribe to be told of alarms')
    for (const [name, item] of Object.entries(functions)) {
      const prefix = constructId(name)
      this.output(`${prefix}FunctionName`, item.function.functionName)
      if (!(item instanceof QueueFunction)) continue
      this.output(`${prefix}QueueUrl`, item.queue.queueUrl)
      this.output(`${prefix}DeadLetterQueueUrl`, item.deadLetterQueue.queueUrl)
    }
    Tags.of(this).add('project', 'studylake')
    for (const tag of settings.tags) {
      const [name = '', ...value] = tag.split('=')
      Tags.of(this).add(name, value.join('='))
    }
  }

  private functionDefaults({ logRetentionDays, maxTimeoutSeconds, tracing, ...settings }: Settings): FunctionDefaults {
    const { vpcId, subnetIds, securityGroupIds } = settings
    const common = { logRetention: logRetentionDays, tracing, maxTimeout: Duration.seconds(maxTimeoutSeconds) }
    if (subnetIds.length === 0) return common
    if (securityGroupIds.length > 0) return { ...common, network: { subnetIds, securityGroupIds } }
    // Zones are of no use to a security group, and looking them up would need credentials.
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId: vpcId!, availabilityZones: [`${Aws.REGION}a`] })
    const description = 'Studylake functions: out to lakeFS and AWS, nothing in'
    const { securityGroupId } = new SecurityGroup(this, 'Functions', { vpc, description })
    return { ...common, network: { subnetIds, securityGroupIds: [securityGroupId] } }
  }

  /** A deployment without the setting has to be told; synthesis has not. */
  private askForLakefs(): string {
    return new CfnParameter(this, 'LakefsEndpoint', {
      description: 'Where the functions reach lakeFS: https://lakefs.example.org',
      allowedPattern: 'https?://.+',
    }).valueAsString
  }

  private output(id: string, value: string, description?: string): void {
    new CfnOutput(this, `Output${id}`, { value, description }).overrideLogicalId(id)
  }

  private outputSecret(id: string, secret: ISecret): void {
    this.output(`${id}SecretArn`, secret.secretArn)
  }
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
function constructId(name: string): string {
  return name.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase())
}
