import { describe, expect, test } from 'vitest'
import { chooseEmulator, runsFunctions } from '../../../infra/stack/emulator.ts'
import { findGivenLakefs } from '../../../infra/stack/lakefs.ts'
import { findFunctionUrls, findQueueUrls, parseOutputs } from '../../../infra/stack/outputs.ts'

const queues = ['Receive', 'Convert', 'Register', 'AssignKeys', 'AddKeys', 'Commit']
const outputs = parseOutputs(
  JSON.stringify({
    studylake: {
      OutputCheckUrl: 'https://abc.lambda-url.us-east-1.on.aws/',
      ...Object.fromEntries(queues.map(name => [`Output${name}QueueUrl`, `http://sqs.cloud:4566/000/${name}.fifo`])),
    },
  }),
)

describe('the outputs of a deployment', () => {
  test('give the functions that have a URL', () => {
    expect(Object.entries(findFunctionUrls(outputs)).map(([name, { host }]) => [name, host])).toEqual([
      ['check', 'abc.lambda-url.us-east-1.on.aws'],
    ])
  })

  test('give the queues at the address where we reach them', () => {
    const urls = findQueueUrls(outputs, 'http://127.0.0.1:5000')
    expect(urls.landing).toBe('http://127.0.0.1:5000/000/Receive.fifo')
    expect(urls.keys).toBe('http://127.0.0.1:5000/000/AssignKeys.fifo')
    expect(Object.keys(urls)).toHaveLength(6)
    expect(() => findQueueUrls({}, 'http://127.0.0.1:5000')).toThrow('the deployment has no output ReceiveQueueUrl')
  })
})

test('the emulator is the one that the variable names', () => {
  expect(chooseEmulator({})).toBe('ministack')
  expect(chooseEmulator({ AWS_EMULATOR: 'localstack' })).toBe('localstack')
  expect(() => chooseEmulator({ AWS_EMULATOR: 'moto' })).toThrow(
    'AWS_EMULATOR is "moto", expected ministack or localstack',
  )
  expect([runsFunctions('ministack'), runsFunctions('localstack')]).toEqual([true, false])
})

test('a lakeFS that is named has to answer, and its keys have to be there', async () => {
  expect(await findGivenLakefs({})).toBeUndefined()
  const LAKEFS_ENDPOINT = 'http://127.0.0.1:9/api/v1'
  await expect(findGivenLakefs({ LAKEFS_ENDPOINT })).rejects.toThrow(
    'set LAKEFS_ACCESS_KEY_ID and LAKEFS_SECRET_ACCESS_KEY',
  )
  const keys = { LAKEFS_ACCESS_KEY_ID: 'a', LAKEFS_SECRET_ACCESS_KEY: 'b' }
  await expect(findGivenLakefs({ LAKEFS_ENDPOINT, ...keys })).rejects.toThrow(
    'no lakeFS answers at LAKEFS_ENDPOINT (http://127.0.0.1:9)',
  )
})
