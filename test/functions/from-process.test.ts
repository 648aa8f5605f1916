import { afterEach, expect, it } from 'vitest'
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
