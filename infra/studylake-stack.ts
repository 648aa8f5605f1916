import { Aws, CfnOutput, CfnParameter, Duration, RemovalPolicy, Stack, type StackProps, Tags } from 'aws-cdk-lib'
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets'
import { type ISecret, Secret } from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'
import type { Bundles } from './bundle.ts'
import { createAlarmTopic } from './constructs/alarm-topic.ts'
import { createDashboard } from './constructs/dashboard.ts'
import { announceExistingObjects, announceOwnObjects } from './constructs/landing-events.ts'
import type { FunctionDefaults, NodeFunction } from './constructs/node-function.ts'
import { Store } from './constructs/object-store.ts'
import { QueueFunction } from './constructs/queue-function.ts'
import { catalogTokensSecret, keyPairSecret, tokenSecret } from './constructs/secrets.ts'
import { UrlFunction } from './constructs/url-function.ts'
import { constructId, createPipeline } from './pipeline.ts'
import type { Settings } from './settings.ts'

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
      // Why messages failed: of no use once the messages themselves are gone.
      expire: [{ id: 'failures', prefix: 'failures/', days: settings.failureRetentionDays }],
    })
    const lakefsSecret = keyPairSecret(this, 'LakefsKey', {
      existing: settings.lakefsSecretArn,
      description: 'Studylake: access key of lakeFS, {"accessKeyId", "secretAccessKey"}',
    })
    const gateToken = tokenSecret(this, 'GateToken', {
      existing: settings.gateTokenSecretArn,
      description: 'Studylake: what lakeFS shows to the gate, its LAKEFSACTION_GATE_TOKEN',
    })
    const catalogTokens = catalogTokensSecret(this, 'CatalogTokens', {
      existing: settings.catalogTokensSecretArn,
      description: 'Studylake: who may use the SQL catalog, a list of {"name", "token", "studies", "access"}',
    })
    const { hiveTrinoSecretArn } = settings
    const engineSecret =
      hiveTrinoSecretArn === undefined
        ? undefined
        : Secret.fromSecretCompleteArn(this, 'EnginePassword', hiveTrinoSecretArn)
    const alarmTopic = createAlarmTopic(this, 'Alarms', { email: settings.alarmEmail })
    const defaults = this.functionDefaults(settings)

    const lakefsEndpoint = settings.lakefsEndpoint ?? this.askForLakefs()
    const pipeline = createPipeline(this, {
      settings,
      bundles,
      defaults,
      landing,
      lake,
      lakefsEndpoint,
      lakefsSecret,
      gateToken,
      engineSecret,
      catalogTokens,
      alarmTopic,
    })
    const { receive, check, catalog } = pipeline
    const functions: Record<string, NodeFunction> = { ...pipeline }

    // ── how files are noticed ───────────────────────────────────────────────────────────────────────────────────────────────────
    new Rule(this, 'Rescan', {
      description:
        'Studylake: picks up what events have missed, reports what is incomplete, clears away what was cut off',
      schedule: Schedule.rate(Duration.seconds(settings.scheduleSeconds)),
      // What one look misses the next one finds.
      targets: [receive, catalog].map(item => new LambdaFunction(item.function, { retryAttempts: 0 })),
    })
    if (landing.made) announceOwnObjects(landing.made, receive.queue)
    else if (landing.bucket) announceExistingObjects(landing.bucket, receive.queue)
    if (foreign) {
      const bridgeToken = tokenSecret(this, 'BridgeToken', {
        existing: settings.bridgeTokenSecretArn,
        description: 'Studylake: what MinIO shows to the bridge, the auth token of its webhook',
      })
      const bridge = new UrlFunction(this, 'Bridge', {
        defaults,
        bundle: bundles.bridge,
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
    this.output('CatalogUrl', catalog.url, 'The Iceberg REST catalog, for SQL engines')
    this.outputSecret('LakefsKey', lakefsSecret)
    this.outputSecret('GateToken', gateToken)
    this.outputSecret('CatalogTokens', catalogTokens)
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
