import { Annotations, Match } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../lib/config.ts'
import { queueFed, type Resource, synthesise } from './synthesise.ts'

const minio = {
  landing: 'minio',
  objectStoreEndpoint: 'http://minio:9000',
  landingBucket: 'landing',
  lakeBucket: 'lake',
}
const network = { subnetIds: 'subnet-0123456789abcdef0,subnet-0123456789abcdef1' }

describe('cdk-nag finds nothing, and every exception has its reason', () => {
  const ways = {
    'as it comes': {},
    'existing buckets': { landingBucket: 'landing', lakeBucket: 'lake' },
    MinIO: minio,
    'a private network, traced': { ...network, vpcId: 'vpc-0123456789abcdef0', tracing: 'true' },
  }
  it.each(Object.entries(ways))('%s', async (_, context) => {
    const { stack, resources } = await synthesise(context, { nag: true })
    const problems = [
      ...Annotations.fromStack(stack).findError('*', Match.stringLikeRegexp('AwsSolutions-.*')),
      ...Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('AwsSolutions-.*|CdkNag.*')),
    ]
    expect(problems.map(({ id, entry }) => `${id}: ${String(entry.data)}`)).toEqual([])
    for (const type of ['AWS::IAM::Policy', 'AWS::S3::Bucket', 'AWS::SecretsManager::Secret', 'AWS::SNS::Topic']) {
      for (const [, resource] of resources(type)) {
        const { Metadata } = resource as Resource & {
          Metadata?: { cdk_nag?: { rules_to_suppress: { reason: string; id: string; applies_to?: unknown[] }[] } }
        }
        for (const { id, reason, applies_to } of Metadata?.cdk_nag?.rules_to_suppress ?? []) {
          expect(reason.length).toBeGreaterThan(30)
          // A wildcard is excused one by one, never for a whole role.
          if (id === 'AwsSolutions-IAM5') expect(applies_to?.length).toBeGreaterThan(0)
        }
      }
    }
  })
})

describe('buckets', () => {
  it('are encrypted, private, and reached by TLS alone; landing keeps versions', async () => {
    const { resources } = await synthesise()
    const buckets = resources('AWS::S3::Bucket')
    expect(buckets).toHaveLength(2)
    for (const [id, { Properties }] of buckets) {
      const [rule] = Properties.BucketEncryption.ServerSideEncryptionConfiguration
      expect(rule.ServerSideEncryptionByDefault).toEqual({ SSEAlgorithm: 'AES256' })
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true])
      expect(Properties.LifecycleConfiguration.Rules[0].AbortIncompleteMultipartUpload).toBeDefined()
      const policies = resources('AWS::S3::BucketPolicy').filter(([, policy]) => policy.Properties.Bucket.Ref === id)
      expect(JSON.stringify(policies)).toContain('"Condition":{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny"')
      expect(Properties.VersioningConfiguration?.Status).toBe(id.startsWith('Landing') ? 'Enabled' : undefined)
    }
  })

  it('the lake bucket forgets why messages failed, and nothing else, without a function that could delete', async () => {
    const expirations = async (context: object, name: string) => {
      const [, bucket] = (await synthesise({ ...context }))
        .resources('AWS::S3::Bucket')
        .find(([id]) => id.startsWith(name))!
      return bucket.Properties.LifecycleConfiguration.Rules.filter(
        (rule: Resource['Properties']) => !rule.AbortIncompleteMultipartUpload,
      )
    }
    const rule = { Id: 'failures', Prefix: 'failures/', Status: 'Enabled', ExpirationInDays: 90 }
    expect(await expirations({}, 'Lake')).toEqual([rule])
    expect(await expirations({ failureRetentionDays: '30' }, 'Lake')).toEqual([{ ...rule, ExpirationInDays: 30 }])
    expect(await expirations({}, 'Landing')).toEqual([])
  })

  it('stay when the stack goes, unless told otherwise', async () => {
    const policies = async (context: object) =>
      (await synthesise({ ...context })).resources('AWS::S3::Bucket').map(([, { DeletionPolicy }]) => DeletionPolicy)
    expect(await policies({})).toEqual(['Retain', 'Retain'])
    expect(await policies({ removalPolicy: 'destroy' })).toEqual(['Delete', 'Delete'])
  })

  it('the landing bucket announces CSV and JSON on the queue, without a function that sets it up', async () => {
    const { resources, text } = await synthesise({ newLandingBucketName: 'trials-landing' })
    const [, bucket] = resources('AWS::S3::Bucket').find(([id]) => id.startsWith('Landing'))!
    expect(bucket.Properties.BucketName).toBe('trials-landing')
    const configurations = bucket.Properties.NotificationConfiguration.QueueConfigurations
    expect(
      configurations.map((item: Resource['Properties']) => [
        item.Event,
        item.Filter.S3Key.Rules[0],
        item.Queue['Fn::GetAtt'][0].replace(/[0-9A-F]{8}$/, ''),
      ]),
    ).toEqual([
      ['s3:ObjectCreated:*', { Name: 'suffix', Value: '.csv' }, 'ReceiveQueue'],
      ['s3:ObjectCreated:*', { Name: 'suffix', Value: '.json' }, 'ReceiveQueue'],
    ])
    expect(text).not.toContain('Custom::')
    const [, policy] = resources('AWS::SQS::QueuePolicy').find(([id]) => id.startsWith('ReceiveQueue'))!
    expect(policy.Properties.PolicyDocument.Statement).toContainEqual(
      expect.objectContaining({
        Action: 'sqs:SendMessage',
        Effect: 'Allow',
        Principal: { Service: 's3.amazonaws.com' },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      }),
    )
  })

  it('those that were there before are not made, but announce their objects too', async () => {
    const { resources, template } = await synthesise({ landingBucket: 'old-landing', lakeBucket: 'old-lake' })
    expect(resources('AWS::S3::Bucket')).toEqual([])
    template.hasResourceProperties('Custom::S3BucketNotifications', { BucketName: 'old-landing', Managed: false })
  })

  it('of MinIO are none of AWS', async () => {
    const { resources, text } = await synthesise(minio)
    expect(resources('AWS::S3::Bucket')).toEqual([])
    expect(text).not.toContain('arn:aws:s3:::')
  })
})

describe('functions', () => {
  it('run on Node 24, arm64, with source maps, each with a role of its own, untraced', async () => {
    const { resources } = await synthesise()
    const functions = resources('AWS::Lambda::Function')
    expect(functions).toHaveLength(8)
    const roles = functions.map(([id, { Properties }]) => {
      expect(Properties, id).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
      })
      expect(Properties.Environment.Variables.NODE_OPTIONS).toBe('--enable-source-maps')
      expect(Properties.TracingConfig).toBeUndefined()
      expect(Properties.VpcConfig).toBeUndefined()
      return Properties.Role['Fn::GetAtt'][0] as string
    })
    expect(new Set(roles).size).toBe(8)
  })

  it('can be traced, and run in a network, with a security group of theirs or of its own', async () => {
    const given = await synthesise({ ...network, securityGroupIds: 'sg-0123456789abcdef0', tracing: true })
    for (const [, { Properties }] of given.resources('AWS::Lambda::Function')) {
      expect(Properties.TracingConfig).toEqual({ Mode: 'Active' })
      expect(Properties.VpcConfig).toEqual({
        SubnetIds: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
        SecurityGroupIds: ['sg-0123456789abcdef0'],
      })
    }
    expect(given.resources('AWS::EC2::SecurityGroup')).toEqual([])
    const made = await synthesise({ ...network, vpcId: 'vpc-0123456789abcdef0' })
    const [[id, group]] = made.resources('AWS::EC2::SecurityGroup') as [[string, Resource]]
    expect(group.Properties).toMatchObject({ VpcId: 'vpc-0123456789abcdef0' })
    expect(group.Properties.SecurityGroupIngress).toBeUndefined()
    for (const [, { Properties }] of made.resources('AWS::Lambda::Function')) {
      expect(Properties.VpcConfig.SecurityGroupIds).toEqual([{ 'Fn::GetAtt': [id, 'GroupId'] }])
    }
  })

  it('only gate, catalog and bridge have URLs, and they ask for tokens themselves', async () => {
    const targets = async (context: object) =>
      (await synthesise({ ...context }))
        .resources('AWS::Lambda::Url')
        .map(([, { Properties }]) => [Properties.AuthType, Properties.TargetFunctionArn['Fn::GetAtt'][0].slice(0, 6)])
        .sort()
    expect(await targets({})).toEqual([
      ['NONE', 'Catalo'],
      ['NONE', 'CheckF'],
    ])
    expect(await targets(minio)).toEqual([
      ['NONE', 'Bridge'],
      ['NONE', 'Catalo'],
      ['NONE', 'CheckF'],
    ])
  })

  it('are given all that their configuration demands, once their secrets are read', async () => {
    const { variables } = await synthesise({ lakefsEndpoint: 'https://lakefs.example' })
    const secrets: Record<string, Record<string, string>> = {
      LAKEFS_SECRET_ARN: { LAKEFS_ACCESS_KEY_ID: 'id', LAKEFS_SECRET_ACCESS_KEY: 'key' },
      GATE_TOKEN_SECRET_ARN: { GATE_TOKEN: 'sixteen letters!' },
    }
    const needs = {
      Receive: [],
      Convert: [],
      Register: ['lakefs', 'gateUrl'],
      AssignKeys: ['lakefs', 'gateUrl'],
      AddKeys: ['lakefs'],
      Commit: ['lakefs', 'gateUrl'],
      Check: ['lakefs', 'gateToken'],
      Catalog: ['lakefs', 'gateUrl'],
    } as const
    for (const [id, sections] of Object.entries(needs)) {
      // What is known only after the deployment becomes some address.
      const set = Object.entries(variables(id)).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : 'https://resolved.example/',
      ])
      const filled = Object.assign(Object.fromEntries(set), ...set.map(([name]) => secrets[name!] ?? {}))
      expect(() => readConfig(filled, { sections }), id).not.toThrow()
    }
  })

  it('agree on what decides the names of data files', async () => {
    const { variables } = await synthesise({ rowGroupRows: '1000', maxCellBytes: '2000', settleSeconds: '0' })
    for (const id of [...queueFed, 'Check']) {
      expect(variables(id)).toMatchObject({
        ROW_GROUP_ROWS: '1000',
        MAX_CELL_BYTES: '2000',
        SETTLE_SECONDS: '0',
        SCHEDULE_SECONDS: '300',
      })
      expect(variables(id)).not.toHaveProperty('ROW_GROUP_BYTES')
    }
  })
})

describe('secrets', () => {
  it('are generated, named by ARN, and in no template', async () => {
    const { resources, text } = await synthesise(minio)
    expect(resources('AWS::SecretsManager::Secret')).toHaveLength(5)
    for (const [, { Properties }] of resources('AWS::SecretsManager::Secret')) {
      expect(Properties.SecretString).toBeUndefined()
      expect(Properties.GenerateSecretString).toBeDefined()
    }
    // Neither a value nor a reference that CloudFormation would put one in for.
    expect(text).not.toContain('{{resolve:')
    for (const [, { Properties }] of resources('AWS::Lambda::Function')) {
      const names = Object.keys(Properties.Environment.Variables)
      const direct = names.filter(
        name => /TOKEN|SECRET|ACCESS_KEY|PASSWORD/.test(name) && !name.endsWith('_SECRET_ARN'),
      )
      expect(direct).toEqual([])
    }
  })

  it('that were there before are used as they are', async () => {
    const arn = (name: string) => `arn:aws:secretsmanager:eu-central-1:111122223333:secret:${name}-abcdef`
    const { resources, statements, variables } = await synthesise({
      lakefsSecretArn: arn('lakefs'),
      gateTokenSecretArn: arn('gate'),
      catalogTokensSecretArn: arn('tokens'),
    })
    expect(resources('AWS::SecretsManager::Secret')).toEqual([])
    expect(variables('Check')).toMatchObject({ LAKEFS_SECRET_ARN: arn('lakefs'), GATE_TOKEN_SECRET_ARN: arn('gate') })
    expect(JSON.stringify(statements('Check'))).toContain(arn('gate'))
    expect(JSON.stringify(statements('Register'))).not.toContain(arn('gate'))
  })
})

it('a deployment that is not told of lakeFS asks for it', async () => {
  const asking = await synthesise()
  asking.template.hasParameter('LakefsEndpoint', { Type: 'String' })
  expect(asking.template.toJSON().Parameters.LakefsEndpoint.Default).toBeUndefined()
  expect(asking.variables('Register').LAKEFS_ENDPOINT).toEqual({ Ref: 'LakefsEndpoint' })
  const told = await synthesise({ lakefsEndpoint: 'https://lakefs.example', trinoEndpoint: 'https://trino.example' })
  expect(told.template.toJSON().Parameters).not.toHaveProperty('LakefsEndpoint')
  expect(told.variables('Register')).toMatchObject({
    LAKEFS_ENDPOINT: 'https://lakefs.example',
    TRINO_ENDPOINT: 'https://trino.example',
  })
})

it('lakeFS is told of the gate’s own URL, of another, or of one below an emulator', async () => {
  const gateUrl = async (context: object) => (await synthesise({ ...context })).variables('Register').GATE_URL
  expect(await gateUrl({})).toEqual({
    'Fn::GetAtt': [expect.stringMatching(/^CheckFunctionFunctionUrl/), 'FunctionUrl'],
  })
  expect(await gateUrl({ gateUrl: 'https://gate.example/' })).toBe('https://gate.example/')
  const below = JSON.stringify(await gateUrl({ functionUrlBase: 'http://127.0.0.1:4566/_aws/lambda-url' }))
  expect(below).toContain('"http://127.0.0.1:4566/_aws/lambda-url/"')
})

it('all resources that can be are tagged', async () => {
  const { resources } = await synthesise({ tags: 'owner=trials,stage=test=1' })
  for (const type of ['AWS::S3::Bucket', 'AWS::SQS::Queue', 'AWS::Lambda::Function', 'AWS::SNS::Topic']) {
    for (const [id, { Properties }] of resources(type)) {
      expect(Properties.Tags, id).toEqual(
        expect.arrayContaining([
          { Key: 'project', Value: 'studylake' },
          { Key: 'owner', Value: 'trials' },
          { Key: 'stage', Value: 'test=1' },
        ]),
      )
    }
  }
})

it('one dashboard, one topic, mail to who asks for it', async () => {
  const { template } = await synthesise({ alarmEmail: 'data@example.org' })
  template.resourceCountIs('AWS::CloudWatch::Dashboard', 1)
  template.resourceCountIs('AWS::SNS::Topic', 1)
  template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'data@example.org' })
})
