import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it, vi } from 'vitest'
import { createFromProcess, readEnvironment } from '../../functions/from-process.ts'
import type { Environment } from '../../lib/environment.ts'

const variables = {
  LANDING_BUCKET: 'landing',
  LAKE_BUCKET: 'lake',
  LAKEFS_ENDPOINT: 'http://127.0.0.1:8000',
  LAKEFS_ACCESS_KEY_ID: 'id',
  LAKEFS_SECRET_ACCESS_KEY: 'secret',
  GATE_URL: 'http://127.0.0.1:9/',
  GATE_TOKEN: 'sixteen letters!',
  AWS_REGION: 'eu-central-1',
}
const before = { ...process.env }
afterEach(() => {
  process.env = { ...before }
})

it('makes an environment of what is set, each queue only when it is used', async () => {
  process.env = { ...before, ...variables }
  const environment = await readEnvironment({
    ...variables,
    KEYS_QUEUE_URL: 'https://sqs.eu-central-1.amazonaws.com/1/keys.fifo',
  })
  expect([environment.landing.bucket, environment.lake.bucket]).toEqual(['landing', 'lake'])
  expect(Object.keys(environment.queues).sort()).toEqual([
    'addKeys',
    'commit',
    'convert',
    'keys',
    'landing',
    'register',
  ])
  expect(environment.queues.keys).toMatchObject({ name: 'keys.fifo', fifo: true })
  expect(environment.queues.keys).toBe(environment.queues.keys)
  expect(() => environment.queues.addKeys).toThrow('ADD_KEYS_QUEUE_URL is not set')
  expect(Math.abs(environment.now().getTime() - Date.now())).toBeLessThan(5000)
})

it('names what is missing', async () => {
  await expect(readEnvironment({ ...variables, LAKE_BUCKET: undefined })).rejects.toThrow('LAKE_BUCKET is not set')
})

it('reads the process at the first invocation, and once', async () => {
  process.env = { ...before, ...variables }
  const made: Environment[] = []
  const handler = createFromProcess(environment => {
    made.push(environment)
    return async (event: number, context: number) => event + context
  })
  expect(made).toEqual([])
  expect([await handler(1, 2), await handler(3, 4)]).toEqual([3, 7])
  expect(made).toHaveLength(1)
})

it('a function without lakeFS needs nothing of it', async () => {
  const environment = await readEnvironment({ LANDING_BUCKET: 'landing', LAKE_BUCKET: 'lake' }, { sections: [] })
  expect(environment.lake.bucket).toBe('lake')
  expect(() => environment.lakefs.getBranch('study-1', 'v1')).toThrow('this function was given no lakeFS')
})

it('reads again after a reading that failed', async () => {
  process.env = { ...before, ...variables, LAKE_BUCKET: '' }
  const handler = createFromProcess(() => async () => 'done')
  await expect(handler(1, 2)).rejects.toThrow('LAKE_BUCKET is not set')
  process.env.LAKE_BUCKET = 'lake'
  expect(await handler(1, 2)).toBe('done')
})

it('secrets come from Secrets Manager, at the first invocation and again when they are old', async () => {
  const server = createServer((request, response) => {
    const body = JSON.stringify({ Name: 'gate', SecretString: `token number ${++readings} of the gate` })
    request.resume().on('end', () => response.setHeader('content-type', 'application/x-amz-json-1.1').end(body))
  })
  let readings = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  vi.useFakeTimers({ toFake: ['Date'] })
  try {
    const { port } = server.address() as AddressInfo
    process.env = {
      ...before,
      ...variables,
      GATE_TOKEN: '',
      GATE_TOKEN_SECRET_ARN: 'arn:aws:secretsmanager:eu-central-1:1:secret:gate',
      AWS_ACCESS_KEY_ID: 'id',
      AWS_SECRET_ACCESS_KEY: 'key',
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    }
    const handler = createFromProcess(
      ({ config }) =>
        async () =>
          config.gate.token,
    )
    expect([await handler(1, 2), await handler(1, 2)]).toEqual(Array(2).fill('token number 1 of the gate'))
    vi.setSystemTime(Date.now() + 11 * 60_000)
    expect([await handler(1, 2), await handler(1, 2)]).toEqual(Array(2).fill('token number 2 of the gate'))
  } finally {
    vi.useRealTimers()
    server.closeAllConnections()
    server.close()
  }
})
