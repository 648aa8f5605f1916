import { beforeAll, describe, expect, it } from 'vitest'
import { queueVariables } from '../../lib/config.ts'
import { asList, queueFed, type Statement, type Synthesised, synthesise } from './synthesise.ts'

/** Each way of deploying, and the functions that it has. */
const ways = {
  'buckets of its own': { context: {}, functions: [...queueFed, 'Check', 'Catalog'] },
  'existing buckets': {
    context: { landingBucket: 'landing', lakeBucket: 'lake' },
    functions: [...queueFed, 'Check', 'Catalog'],
  },
  MinIO: {
    context: {
      landing: 'minio',
      objectStoreEndpoint: 'http://minio:9000',
      landingBucket: 'landing',
      lakeBucket: 'lake',
    },
    functions: [...queueFed, 'Check', 'Catalog', 'Bridge'],
  },
  'a private network, traced': {
    context: {
      subnetIds: 'subnet-0123456789abcdef0,subnet-0123456789abcdef1',
      vpcId: 'vpc-0123456789abcdef0',
      tracing: 'true',
    },
    functions: [...queueFed, 'Check', 'Catalog'],
  },
}
const lakefsFunctions = ['Register', 'AssignKeys', 'AddKeys', 'Commit', 'Check', 'Catalog']

const allowed = (statements: Statement[]): Statement[] => statements.filter(({ Effect }) => Effect === 'Allow')
const actionsOf = (statements: Statement[]): string[] => allowed(statements).flatMap(({ Action }) => asList(Action))
const touching = (statements: Statement[], logicalId: RegExp): Statement[] =>
  allowed(statements).filter(({ Resource }) => logicalId.test(JSON.stringify(Resource)))

describe.each(Object.entries(ways))('%s', (_, { context, functions }) => {
  let made: Synthesised
  beforeAll(async () => {
    made = await synthesise(context)
  })

  it('has just these functions', () => {
    const ours = made
      .resources('AWS::Lambda::Function')
      .filter(([, { Properties }]) => Properties.Handler === 'index.handler')
    const own = ours.filter(([id]) => !id.startsWith('BucketNotificationsHandler'))
    expect(own.map(([id]) => id.replace(/Function[0-9A-F]{8}$/, '')).sort()).toEqual([...functions].sort())
  })

  it('no function has an action with a wildcard', () => {
    for (const id of functions) {
      const actions = actionsOf(made.statements(id))
      expect(actions.length, id).toBeGreaterThan(0)
      expect(
        actions.filter(action => action.includes('*')),
        id,
      ).toEqual([])
    }
  })

  it('a resource with a wildcard is one of objects, of network interfaces, or of traces', () => {
    for (const id of functions) {
      for (const { Action, Resource } of allowed(made.statements(id))) {
        if (!JSON.stringify(Resource).includes('*')) continue
        const rest = asList(Action).filter(
          action => !/^(s3:(GetObject|PutObject|AbortMultipartUpload)|ec2:\w+|xray:Put\w+)$/.test(action),
        )
        expect(rest, id).toEqual([])
      }
    }
  })

  it('no function can delete objects, or change a bucket', () => {
    for (const id of functions) {
      const actions = actionsOf(made.statements(id)).filter(action => action.startsWith('s3:'))
      const harmless = ['s3:GetObject', 's3:ListBucket', 's3:PutObject', 's3:AbortMultipartUpload']
      expect(
        actions.filter(action => !harmless.includes(action)),
        id,
      ).toEqual([])
    }
  })

  it('only who calls lakeFS can read its key, only who asks for a token the token', () => {
    for (const id of functions) {
      const statements = made.statements(id)
      expect(touching(statements, /LakefsKey/).length > 0, id).toBe(lakefsFunctions.includes(id))
      expect('LAKEFS_SECRET_ARN' in made.variables(id), id).toBe(lakefsFunctions.includes(id))
      expect(touching(statements, /GateToken/).length > 0, id).toBe(id === 'Check')
      expect(touching(statements, /CatalogTokens/).length > 0, id).toBe(id === 'Catalog')
      expect(touching(statements, /BridgeToken/).length > 0, id).toBe(id === 'Bridge')
    }
  })

  it('each function sends where its work goes on, and nowhere else', () => {
    const sends: Record<string, string[]> = {
      Receive: ['Convert', 'Register'],
      Convert: ['Register'],
      Register: ['AssignKeys', 'Receive'],
      AssignKeys: ['AddKeys'],
      AddKeys: ['Commit'],
      Commit: ['Register'],
      Check: [],
      Catalog: [],
      Bridge: ['Receive'],
    }
    for (const id of functions) {
      const statements = allowed(made.statements(id)).filter(({ Action }) => asList(Action).includes('sqs:SendMessage'))
      const targets = queueFed.filter(other => touching(statements, new RegExp(`"${other}Queue`)).length > 0)
      expect(targets.sort(), id).toEqual(sends[id]!.toSorted())
      const known = Object.values(queueVariables).filter(name => name in made.variables(id))
      const own = queueFed.includes(id) ? [id] : []
      expect(known.length, id).toBe(new Set([...own, ...sends[id]!]).size)
    }
  })

  it('each function writes its own log, kept for a while', () => {
    for (const [id, { Properties }] of made.resources('AWS::Logs::LogGroup')) {
      expect(Properties.RetentionInDays, id).toBe(30)
    }
    for (const id of functions) {
      const logs = allowed(made.statements(id)).filter(({ Action }) => asList(Action).includes('logs:PutLogEvents'))
      expect(JSON.stringify(logs.map(({ Resource }) => Resource)), id).toMatch(
        new RegExp(`^\\[\\{"Fn::GetAtt":\\["${id}Log`),
      )
    }
  })
})

describe('buckets of its own', () => {
  let made: Synthesised
  beforeAll(async () => {
    made = await synthesise()
  })
  const keysOf = (id: string, bucket: string, action: string) =>
    allowed(made.statements(id))
      .filter(({ Action }) => asList(Action).includes(action))
      .flatMap(({ Resource }) => asList(Resource))
      .map(resource => JSON.stringify(resource))
      .filter(resource => resource.includes(`"${bucket}Bucket`))
      .map(resource => /"\/([^"]+)"/.exec(resource)?.[1])
      .sort()

  it('the only thing that is put into the landing bucket is a report', () => {
    const writers = queueFed.concat('Check', 'Catalog').filter(id => keysOf(id, 'Landing', 's3:PutObject').length > 0)
    expect(writers).toEqual(['Receive', 'Register', 'AssignKeys', 'Commit'])
    for (const id of writers) expect(keysOf(id, 'Landing', 's3:PutObject')).toEqual(['*_report.json'])
  })

  it('who attests does not write data, and who writes data does not attest', () => {
    const written = Object.fromEntries(
      queueFed.concat('Check', 'Catalog').map(id => [id, keysOf(id, 'Lake', 's3:PutObject')]),
    )
    // Why a message failed.
    for (const id of queueFed)
      expect(written[id]!.splice(written[id]!.indexOf('failures/*'), 1), id).toEqual(['failures/*'])
    expect(written).toEqual({
      Receive: [],
      Convert: ['data/*'],
      Register: ['attest/*', 'metadata/*'],
      AssignKeys: ['data/*', 'metadata/*'],
      AddKeys: ['data/*', 'metadata/*'],
      Commit: ['attest/*'],
      Check: ['attest/*'],
      // What engines commit: their data files they write themselves.
      Catalog: ['attest/*', 'metadata/*'],
    })
    for (const action of ['s3:GetObject', 's3:PutObject', 's3:ListBucket'])
      expect(keysOf('Catalog', 'Landing', action), action).toEqual([])
  })
})

it('with MinIO the functions open the object store with its own key, but for the bridge, which does not need it', async () => {
  const { context, functions } = ways.MinIO
  const made = await synthesise(context)
  for (const id of functions) {
    expect(touching(made.statements(id), /ObjectStoreKey/).length > 0, id).toBe(id !== 'Bridge')
    expect(
      actionsOf(made.statements(id)).filter(action => action.startsWith('s3:')),
      id,
    ).toEqual([])
    expect(made.variables(id).OBJECT_STORE_ENDPOINT, id).toBe(id === 'Bridge' ? undefined : 'http://minio:9000')
  }
})

it('only who judges commits is told of the engine beside the lake, and reads its password', async () => {
  const secret = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:trino-AbCdEf'
  const context = { hiveTrinoUrl: 'https://trino.example', hiveTrinoSecretArn: secret, hiveSchema: '{version}_{study}' }
  const made = await synthesise(context)
  for (const id of ways['buckets of its own'].functions) {
    const judges = id === 'Check' || id === 'Commit'
    expect(JSON.stringify(made.statements(id)).includes(secret), id).toBe(judges)
    const known = Object.entries(made.variables(id)).filter(([name]) => name.startsWith('HIVE_'))
    const told = {
      HIVE_TRINO_URL: 'https://trino.example',
      HIVE_TRINO_SECRET_ARN: secret,
      HIVE_SCHEMA: '{version}_{study}',
    }
    expect(Object.fromEntries(known), id).toEqual(judges ? told : {})
  }
  const plain = await synthesise()
  expect(plain.text).not.toContain('HIVE_')
})
