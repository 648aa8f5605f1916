import { expect, it } from 'vitest'
import { readConfig } from '../../lib/config.ts'

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
