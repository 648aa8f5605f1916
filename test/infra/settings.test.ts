import { describe, expect, it } from 'vitest'
import { readSettings } from '../../infra/settings.ts'

const read = (context: Record<string, unknown>) => readSettings(name => context[name])

it('has a default for everything', () => {
  expect(read({})).toMatchObject({
    stackName: 'studylake',
    landing: 's3',
    removalPolicy: 'retain',
    scheduleSeconds: 300,
    maxReceiveCount: 10,
    bundleSdk: false,
    tracing: false,
    subnetIds: [],
  })
})

it('takes what the command line gives: text', () => {
  expect(
    read({
      bundleSdk: 'true',
      tracing: 'false',
      subnetIds: 'subnet-1, subnet-2,',
      securityGroupIds: ['sg-1'],
      settleSeconds: '0',
      lakefsEndpoint: '',
    }),
  ).toMatchObject({
    bundleSdk: true,
    tracing: false,
    subnetIds: ['subnet-1', 'subnet-2'],
    securityGroupIds: ['sg-1'],
    settleSeconds: 0,
    lakefsEndpoint: undefined,
  })
})

describe('refuses what does not fit, by name', () => {
  const cases: [string, Record<string, unknown>][] = [
    ['lakefsEndpoint: ', { lakefsEndpoint: 'lakefs.example' }],
    ['scheduleSeconds: ', { scheduleSeconds: '90' }],
    ['logRetentionDays: ', { logRetentionDays: '31' }],
    ['removalPolicy: ', { removalPolicy: 'delete' }],
    ['landingBucket: ', { landingBucket: 'Landing_Bucket' }],
    ['lakefsSecretArn: ', { lakefsSecretArn: 'secret' }],
    ['bundleSdk: ', { bundleSdk: 'perhaps' }],
    ['landing=minio needs objectStoreEndpoint', { landing: 'minio', landingBucket: 'landing', lakeBucket: 'lake' }],
    ['objectStoreEndpoint is for landing=minio', { objectStoreEndpoint: 'http://minio:9000' }],
    ['subnetIds needs securityGroupIds', { subnetIds: 'subnet-1' }],
    ['need subnetIds', { vpcId: 'vpc-1' }],
    ['"owner" is not name=value', { tags: 'owner' }],
    ['HIVE_TRINO_URL is not set, though HIVE_CATALOG is', { hiveCatalog: 'hive' }],
    ['over https only', { hiveTrinoUrl: 'http://trino', hiveTrinoSecretArn: 'arn:aws:secretsmanager:x:1:secret:y' }],
    ['one study and one version', { hiveTrinoUrl: 'http://trino', hiveSchema: '{version}' }],
  ]
  it.each(cases)('%s', (message, context) => {
    expect(() => read(context)).toThrow(message)
  })
})
