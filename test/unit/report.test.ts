import { expect, it } from 'vitest'
import { reportSchema } from '../../lib/report.ts'

it('reads a report of fewer members, and drops what it does not know', () => {
  expect(reportSchema.parse({ study: 's01', version: 'v1', status: 'waiting', time: 't', cell: 'P1' })).toEqual({
    study: 's01',
    version: 'v1',
    status: 'waiting',
    time: 't',
    datasets: [],
    entities: [],
    waitingFor: [],
    problems: [],
    warnings: [],
  })
})

it('is strict about the status', () => {
  expect(reportSchema.safeParse({ study: 's01', version: 'v1', status: 'done', time: 't' }).success).toBe(false)
})
