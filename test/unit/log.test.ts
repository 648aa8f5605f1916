import { expect, it } from 'vitest'
import { createLog, silentLog } from '../../lib/log.ts'

const now = () => new Date('2026-01-02T03:04:05Z')

it('writes one line of JSON each, with all that was said before', () => {
  const lines: string[] = []
  const log = createLog({ write: line => lines.push(line), now, level: 'debug', fields: { function: 'convert' } })
  log.debug('a')
  log.with({ study: 's01' }).with({ version: 'v1' }).error('b', { rows: 3 })
  expect(lines.map(line => JSON.parse(line) as unknown)).toEqual([
    { time: '2026-01-02T03:04:05.000Z', level: 'debug', message: 'a', function: 'convert' },
    {
      time: '2026-01-02T03:04:05.000Z',
      level: 'error',
      message: 'b',
      function: 'convert',
      study: 's01',
      version: 'v1',
      rows: 3,
    },
  ])
})

it('drops what is below its level, also in what is made from it', () => {
  const lines: string[] = []
  const log = createLog({ write: line => lines.push(line), now, level: 'warn' }).with({ study: 's01' })
  log.debug('a')
  log.info('b')
  log.warn('c')
  log.error('d')
  expect(lines.map(line => (JSON.parse(line) as { message: string }).message)).toEqual(['c', 'd'])
})

it('the silent one can be spoken to', () => {
  expect(() => silentLog.with({ study: 's01' }).error('nobody hears')).not.toThrow()
})
