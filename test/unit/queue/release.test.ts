import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { openLocalQueues } from '../../../lib/queue/local.ts'

const folder = mkdtempSync(join(tmpdir(), 'queue-release-'))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('a process that starts again gets at once what its predecessor held', async () => {
  const settings = { path: join(folder, 'queues.sqlite'), queues: [{ name: 'work' }, { name: 'ordered.fifo' }] }
  const before = openLocalQueues(settings)
  await before.queue('work').send([{ body: 'held' }, { body: 'later', delaySeconds: 60 }])
  await before.queue('ordered.fifo').send([
    { body: 'first', groupId: 'g', deduplicationId: '1' },
    { body: 'second', groupId: 'g', deduplicationId: '2' },
  ])
  expect(await before.queue('work').receive()).toHaveLength(1)
  expect(await before.queue('ordered.fifo').receive({ max: 1 })).toHaveLength(1)
  before.close()

  const after = openLocalQueues(settings)
  expect(await after.queue('work').receive()).toEqual([])
  after.releaseInFlight()
  const work = await after.queue('work').receive()
  expect(work.map(({ body, receiveCount }) => [body, receiveCount])).toEqual([['held', 2]])
  const ordered = await after.queue('ordered.fifo').receive()
  expect(ordered.map(({ body, receiveCount }) => [body, receiveCount])).toEqual([
    ['first', 2],
    ['second', 1],
  ])
  after.close()
})
