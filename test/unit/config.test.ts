import { describe, expect, it } from 'vitest'
import {
  readBridgeConfig,
  readConfig,
  readDeadLetterConfig,
  readEngineConfig,
  readObjectStoreConnection,
  readQueryConfig,
  readQueueUrl,
} from '../../lib/config.ts'

const needed = {
  LANDING_BUCKET: 'landing',
  LAKE_BUCKET: 'lake',
  LAKEFS_ENDPOINT: 'http://127.0.0.1:8000',
  LAKEFS_ACCESS_KEY_ID: 'id',
  LAKEFS_SECRET_ACCESS_KEY: 'secret',
  GATE_URL: 'https://gate.example/',
  GATE_TOKEN: 'sixteen letters!',
}

it('has defaults for all that can be tuned', () => {
  expect(readConfig({ ...needed, PATH: '/bin' })).toEqual({
    landingBucket: 'landing',
    lakeBucket: 'lake',
    lakefs: { endpoint: 'http://127.0.0.1:8000', accessKeyId: 'id', secretAccessKey: 'secret' },
    gate: { url: 'https://gate.example/', token: 'sixteen letters!' },
    settleSeconds: 5,
    waitReportSeconds: 900,
    scheduleSeconds: 300,
    rowGroupRows: 131_072,
    rowGroupBytes: 67_108_864,
    maxCellBytes: 16_777_216,
  })
})

it('takes numbers, zero included', () => {
  const config = readConfig({ ...needed, SETTLE_SECONDS: '0', ROW_GROUP_ROWS: '10', MAX_CELL_BYTES: '1' })
  expect(config).toMatchObject({ settleSeconds: 0, rowGroupRows: 10, maxCellBytes: 1 })
})

it('an empty variable is one that is not set, never 0', () => {
  expect(readConfig({ ...needed, SETTLE_SECONDS: '' }).settleSeconds).toBe(5)
  expect(() => readConfig({ ...needed, LAKE_BUCKET: '' })).toThrow('LAKE_BUCKET is not set')
})

it('names everything that is missing or does not fit, and quotes no value', () => {
  const wrong = {
    ...needed,
    GATE_TOKEN: 'too short',
    LAKEFS_ENDPOINT: 'ftp://x',
    ROW_GROUP_ROWS: '-3',
    LAKE_BUCKET: undefined,
  }
  try {
    readConfig(wrong)
    expect.unreachable()
  } catch (error) {
    const { message } = error as Error
    for (const name of ['GATE_TOKEN: ', 'LAKEFS_ENDPOINT: ', 'ROW_GROUP_ROWS: ', 'LAKE_BUCKET is not set'])
      expect(message).toContain(name)
    expect(message).not.toContain('too short')
    expect(message).not.toContain('secret')
  }
})

describe('a function is asked only for what it needs', () => {
  const buckets = { LANDING_BUCKET: 'landing', LAKE_BUCKET: 'lake' }

  it('nothing of lakeFS or the gate where neither is used', () => {
    const config = readConfig(buckets, { sections: [] })
    expect(config).toMatchObject({ landingBucket: 'landing', lakeBucket: 'lake', settleSeconds: 5 })
  })

  it('what is missing throws where it is read all the same', () => {
    const { lakefs, gate } = readConfig(buckets, { sections: [] })
    const reads = {
      LAKEFS_ENDPOINT: () => lakefs.endpoint,
      LAKEFS_ACCESS_KEY_ID: () => lakefs.accessKeyId,
      LAKEFS_SECRET_ACCESS_KEY: () => lakefs.secretAccessKey,
      GATE_URL: () => gate.url,
      GATE_TOKEN: () => gate.token,
    }
    for (const [name, read] of Object.entries(reads)) expect(read).toThrow(`configuration: ${name} is not set`)
  })

  it('but for that', () => {
    expect(() => readConfig(buckets, { sections: ['lakefs'] })).toThrow(
      'LAKEFS_ENDPOINT is not set; LAKEFS_ACCESS_KEY_ID is not set; LAKEFS_SECRET_ACCESS_KEY is not set',
    )
    expect(() => readConfig(buckets, { sections: ['gateToken'] })).toThrow(/^configuration: GATE_TOKEN is not set$/)
    expect(() => readConfig(buckets, { sections: ['gateUrl'] })).toThrow(/^configuration: GATE_URL is not set$/)
  })

  it('the bridge for its token alone', () => {
    expect(readBridgeConfig({ BRIDGE_TOKEN: 'sixteen letters!' })).toEqual({ token: 'sixteen letters!' })
    expect(() => readBridgeConfig({})).toThrow('BRIDGE_TOKEN is not set')
    expect(() => readBridgeConfig({ BRIDGE_TOKEN: 'short' })).toThrow(/^configuration: BRIDGE_TOKEN: (?!.*short)/)
  })

  it('each queue when it is used', () => {
    expect(readQueueUrl({ KEYS_QUEUE_URL: 'https://sqs/1/keys.fifo' }, 'keys')).toBe('https://sqs/1/keys.fifo')
    expect(() => readQueueUrl({ KEYS_QUEUE_URL: '' }, 'keys')).toThrow('KEYS_QUEUE_URL is not set')
  })
})

describe('dead-letter queues', () => {
  it('are those whose queue is named too', () => {
    const set = { LAKE_BUCKET: 'lake', KEYS_QUEUE_URL: 'https://sqs/1/k.fifo', KEYS_DLQ_URL: 'https://sqs/1/d.fifo' }
    expect(readDeadLetterConfig({ ...set, LANDING_QUEUE_URL: '' })).toEqual({
      lakeBucket: 'lake',
      queues: [{ source: 'keys', url: 'https://sqs/1/k.fifo', deadLetterUrl: 'https://sqs/1/d.fifo' }],
    })
  })

  it('name what is missing', () => {
    expect(() => readDeadLetterConfig({})).toThrow(
      /^configuration: LANDING_QUEUE_URL is not set; LANDING_DLQ_URL is not set; LAKE_BUCKET is not set$/,
    )
    expect(() => readDeadLetterConfig({ KEYS_DLQ_URL: 'x', COMMIT_QUEUE_URL: 'y', LAKE_BUCKET: 'lake' })).toThrow(
      /^configuration: KEYS_QUEUE_URL is not set; COMMIT_DLQ_URL is not set$/,
    )
  })
})

it('the object store is S3 unless something stands in for it', () => {
  expect(readObjectStoreConnection({ AWS_REGION: 'eu-central-1' })).toEqual({})
  expect(readObjectStoreConnection({ AWS_ENDPOINT_URL: 'http://localhost:4566' })).toEqual({ forcePathStyle: true })
  const own = { OBJECT_STORE_ENDPOINT: 'http://127.0.0.1:9000', OBJECT_STORE_ACCESS_KEY_ID: 'id' }
  expect(readObjectStoreConnection(own)).toEqual({ endpoint: 'http://127.0.0.1:9000', forcePathStyle: true })
  expect(readObjectStoreConnection({ ...own, OBJECT_STORE_SECRET_ACCESS_KEY: 'secret' })).toEqual({
    endpoint: 'http://127.0.0.1:9000',
    forcePathStyle: true,
    credentials: { accessKeyId: 'id', secretAccessKey: 'secret' },
  })
  expect(() => readObjectStoreConnection({ OBJECT_STORE_ENDPOINT: 'minio' })).toThrow('OBJECT_STORE_ENDPOINT: ')
})

describe('of studylake query', () => {
  const catalog = { CATALOG_URL: 'https://catalog.example/', CATALOG_TOKEN: 'token' }

  it('may be empty, and knows no catalog of which it has only half', () => {
    expect(readQueryConfig({})).toEqual({ trino: {}, catalog: undefined })
    expect(readQueryConfig({ CATALOG_URL: catalog.CATALOG_URL }).catalog).toBeUndefined()
    expect(readQueryConfig({ CATALOG_TOKEN: catalog.CATALOG_TOKEN }).catalog).toBeUndefined()
  })

  it('hands on the keys of the object store, never those of whoever asks', () => {
    const own = { AWS_ACCESS_KEY_ID: 'mine', AWS_SECRET_ACCESS_KEY: 'mine', AWS_REGION: 'eu-central-1' }
    expect(readQueryConfig({ ...catalog, ...own, TRINO_URL: 'http://127.0.0.1:8080', TRINO_USER: 'ada' })).toEqual({
      trino: { url: 'http://127.0.0.1:8080', user: 'ada' },
      catalog: { url: 'https://catalog.example/', token: 'token', objectStore: { region: 'eu-central-1' } },
    })
    const store = { OBJECT_STORE_ENDPOINT: 'http://minio:9000', OBJECT_STORE_ACCESS_KEY_ID: 'key' }
    expect(readQueryConfig({ ...catalog, ...store, OBJECT_STORE_SECRET_ACCESS_KEY: 'secret' }).catalog).toEqual({
      url: 'https://catalog.example/',
      token: 'token',
      objectStore: { endpoint: 'http://minio:9000', credentials: { accessKeyId: 'key', secretAccessKey: 'secret' } },
    })
  })

  it('names a variable that is no address', () => {
    expect(() => readQueryConfig({ TRINO_URL: 'localhost:8080' })).toThrow('TRINO_URL')
  })
})

describe('the engine beside the lake', () => {
  const url = 'https://trino.example'

  it('is none where none is named', () => {
    expect(readEngineConfig({})).toBeUndefined()
    expect(readEngineConfig({ HIVE_TRINO_URL: '', HIVE_CATALOG: '' })).toBeUndefined()
  })

  it('has the usual names, or those that are given', () => {
    const usual = {
      url,
      user: 'studylake',
      password: undefined,
      catalog: 'hive',
      names: { schema: '{study}__{version}', table: '{layer}_{dataset}', layers: ['raw', 'base', 'keys'] },
    }
    expect(readEngineConfig({ HIVE_TRINO_URL: url })).toEqual(usual)
    const given = { HIVE_TRINO_USER: 'gate', HIVE_TRINO_PASSWORD: 'word', HIVE_CATALOG: 'legacy' }
    const names = { HIVE_SCHEMA: '{version}_{study}', HIVE_TABLE: '{dataset}', HIVE_LAYERS: ' base ' }
    expect(readEngineConfig({ HIVE_TRINO_URL: url, ...given, ...names })).toEqual({
      url,
      user: 'gate',
      password: 'word',
      catalog: 'legacy',
      names: { schema: '{version}_{study}', table: '{dataset}', layers: ['base'] },
    })
  })

  it.each<[Record<string, string>, RegExp]>([
    [{ HIVE_CATALOG: 'hive' }, /HIVE_TRINO_URL is not set, though HIVE_CATALOG is/],
    [{ HIVE_TRINO_URL: 'trino.example' }, /HIVE_TRINO_URL: /],
    [{ HIVE_TRINO_URL: url, HIVE_LAYERS: 'raw,work' }, /HIVE_LAYERS/],
    [{ HIVE_TRINO_URL: url, HIVE_LAYERS: ',' }, /HIVE_LAYERS/],
    [{ HIVE_TRINO_URL: url, HIVE_SCHEMA: '{study}' }, /HIVE_SCHEMA.*: .*one study and one version/],
    [{ HIVE_TRINO_URL: url, HIVE_TABLE: '{dataset}' }, /of several layers/],
    [{ HIVE_TRINO_URL: 'http://trino.example', HIVE_TRINO_PASSWORD: 'the word' }, /over https only/],
  ])('%j is refused by name', (variables, message) => {
    expect(() => readEngineConfig(variables)).toThrow(message)
    expect(() => readEngineConfig(variables)).not.toThrow(/the word/)
  })
})
