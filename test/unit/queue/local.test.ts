import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PreconditionError, TransientError } from '../../../lib/errors.ts'
import { type LocalQueueSettings, type LocalQueues, openLocalQueues } from '../../../lib/queue/local.ts'

const settings: LocalQueueSettings[] = [
  { name: 'work', visibilitySeconds: 10, maxReceives: 2, deadLetter: 'dead' },
  { name: 'dead' },
  { name: 'work.fifo', visibilitySeconds: 10, maxReceives: 2, deadLetter: 'dead.fifo' },
  { name: 'dead.fifo' },
]
const start = Date.UTC(2026, 0, 1)

let folder: string
let path: string
let time: number
let queues: LocalQueues

const openQueues = (given = settings): LocalQueues => openLocalQueues({ path, queues: given, now: () => time })
const pass = (seconds: number): void => {
  time += seconds * 1000
}
const message = (body: string, groupId = 'g') => ({ body, groupId, deduplicationId: `${groupId}-${body}` })
const bodies = (messages: { body: string }[]): string[] => messages.map(({ body }) => body)

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'studylake-local-'))
  path = join(folder, 'queues.sqlite')
  time = start
  queues = openQueues()
})
afterEach(() => {
  queues.close()
  rmSync(folder, { recursive: true })
})

describe('deduplication', () => {
  it('lasts five minutes from the first send, in each queue by itself', async () => {
    const queue = queues.queue('work.fifo')
    await queue.send([message('a')])
    pass(299)
    await queue.send([message('a'), message('a')])
    await queues.queue('dead.fifo').send([message('a')])
    expect(queue.depth().visible).toBe(1)
    expect(queues.queue('dead.fifo').depth().visible).toBe(1)
    pass(1)
    await queue.send([message('a')])
    await queue.send([message('a')])
    expect(queue.depth().visible).toBe(2)
  })

  it('lasts over a purge and a restart', async () => {
    await queues.queue('work.fifo').send([message('a')])
    queues.queue('work.fifo').purge()
    queues.close()
    queues = openQueues()
    await queues.queue('work.fifo').send([message('a')])
    expect(queues.queue('work.fifo').depth()).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
  })
})

describe('a restart', () => {
  it('keeps messages, counts and time-outs', async () => {
    await queues.queue('work').send([{ body: 'a' }, { body: 'b', delaySeconds: 60 }])
    const [first] = await queues.queue('work').receive()
    pass(5)
    queues.close()
    queues = openQueues()
    const queue = queues.queue('work')
    expect(queue.depth()).toEqual({ visible: 0, inFlight: 1, delayed: 1 })
    expect(await queue.receive()).toEqual([])
    pass(5)
    const [again] = await queue.receive()
    expect(again).toMatchObject({ body: 'a', receiveCount: 2, messageId: first!.messageId, sentAt: new Date(start) })
    pass(50)
    expect(bodies(await queue.receive())).toEqual(['b'])
  })

  it('keeps a receipt handle good until its time-out', async () => {
    await queues.queue('work.fifo').send([message('a')])
    const [received] = await queues.queue('work.fifo').receive()
    queues.close()
    queues = openQueues()
    await queues.queue('work.fifo').delete(received!.receiptHandle)
    expect(queues.queue('work.fifo').peek(1)).toEqual([])
  })
})

describe('looks inside', () => {
  it('count what is visible, in flight and delayed', async () => {
    const queue = queues.queue('work')
    expect(queue.depth()).toEqual({ visible: 0, inFlight: 0, delayed: 0 })
    await queue.send([{ body: 'a' }, { body: 'b' }, { body: 'c', delaySeconds: 5 }])
    const [a] = await queue.receive({ max: 1 })
    expect(queue.depth()).toEqual({ visible: 1, inFlight: 1, delayed: 1 })
    await queue.changeVisibility(a!.receiptHandle, 0)
    expect(queue.depth()).toEqual({ visible: 2, inFlight: 0, delayed: 1 })
  })

  it('say when there is something to do next', async () => {
    const queue = queues.queue('work')
    expect(queue.nextVisibleAt()).toBeUndefined()
    await queue.send([{ body: 'late', delaySeconds: 60 }])
    expect(queue.nextVisibleAt()).toBe(start + 60_000)
    await queue.send([{ body: 'now' }])
    expect(queue.nextVisibleAt()).toBe(start)
    await queue.receive()
    expect(queue.nextVisibleAt()).toBe(start + 10_000)
  })

  it('say when the first group will be free', async () => {
    const queue = queues.queue('work.fifo')
    await queue.send([message('a', 'g'), message('b', 'g'), message('c', 'h')])
    const received = await queue.receive({ max: 3 })
    await queue.changeVisibility(received[0]!.receiptHandle, 1)
    expect(queue.nextVisibleAt()).toBe(start + 10_000)
    await queue.changeVisibility(received[2]!.receiptHandle, 3)
    expect(queue.nextVisibleAt()).toBe(start + 3000)
    await queue.delete(received[2]!.receiptHandle)
    await queue.delete(received[1]!.receiptHandle)
    expect(queue.nextVisibleAt()).toBe(start + 1000)
  })

  it('show the oldest messages without receiving them, and purge them', async () => {
    const queue = queues.queue('work.fifo')
    await queue.send(['a', 'b', 'c'].map(body => message(body)))
    const shown = queue.peek(2)
    expect(shown).toEqual([
      expect.objectContaining({ ...message('a'), receiveCount: 0, sentAt: new Date(start) }),
      expect.objectContaining({ ...message('b'), receiveCount: 0 }),
    ])
    const [received] = await queue.receive({ max: 1 })
    expect(received).toMatchObject({ messageId: shown[0]!.messageId, receiveCount: 1 })
    queue.purge()
    expect(queue.peek(10)).toEqual([])
    await queue.delete(received!.receiptHandle)
  })
})

describe('the dead-letter queue', () => {
  it('gets a message as it was, and wakes who waits for it', async () => {
    await queues.queue('work.fifo').send([message('poison'), message('good')])
    const waiting = queues.queue('dead.fifo').receive({ waitSeconds: 10 })
    for (let i = 0; i < 2; i++) {
      await queues.queue('work.fifo').receive({ max: 1 })
      pass(10)
    }
    expect(bodies(await queues.queue('work.fifo').receive())).toEqual(['good'])
    const [dead] = await waiting
    expect(dead).toMatchObject({ ...message('poison'), sentAt: new Date(start), receiveCount: 1 })
  })

  it('must be there, be of the same kind, and come with a limit', () => {
    const opening =
      (...given: LocalQueueSettings[]) =>
      () =>
        openQueues(given)
    expect(opening({ name: 'a', maxReceives: 1, deadLetter: 'none' })).toThrow('expected another standard queue')
    expect(opening({ name: 'a.fifo', maxReceives: 1, deadLetter: 'd' }, { name: 'd' })).toThrow('another FIFO queue')
    expect(opening({ name: 'a', maxReceives: 1 })).toThrow('expected both or neither')
    expect(opening({ name: 'a', deadLetter: 'd' }, { name: 'd' })).toThrow('expected both or neither')
  })
})

describe('receipt handles', () => {
  it('of a FIFO queue expire with the time-out', async () => {
    const queue = queues.queue('work.fifo')
    await queue.send([message('a')])
    const [first] = await queue.receive()
    pass(10)
    await expect(queue.delete(first!.receiptHandle)).rejects.toBeInstanceOf(PreconditionError)
    await expect(queue.changeVisibility(first!.receiptHandle, 5)).rejects.toBeInstanceOf(PreconditionError)
    expect(queue.depth().visible).toBe(1)
  })

  it('of a standard queue delete as long as nobody else has received the message', async () => {
    const queue = queues.queue('work')
    await queue.send([{ body: 'a' }])
    const [first] = await queue.receive()
    pass(10)
    const [second] = await queue.receive()
    await queue.delete(first!.receiptHandle)
    expect(queue.depth().inFlight).toBe(1)
    pass(10)
    await queue.delete(second!.receiptHandle)
    expect(queue.peek(1)).toEqual([])
  })

  it('must be receipt handles', async () => {
    await expect(queues.queue('work').delete('nonsense')).rejects.toBeInstanceOf(PreconditionError)
    await expect(queues.queue('work').changeVisibility('9-9', 1)).rejects.toBeInstanceOf(PreconditionError)
  })

  it('of one queue mean nothing to another', async () => {
    await queues.queue('work').send([{ body: 'a' }])
    const [received] = await queues.queue('work').receive()
    await queues.queue('dead').delete(received!.receiptHandle)
    expect(queues.queue('work').depth().inFlight).toBe(1)
  })
})

describe('waiting', () => {
  it('ends when the queues are closed', async () => {
    const waiting = queues.queue('work').receive({ waitSeconds: 20 })
    queues.close()
    queues.close()
    expect(await waiting).toEqual([])
    expect(await queues.queue('work').receive()).toEqual([])
  })

  it('ends when a delayed message is due', async () => {
    queues.close()
    queues = openLocalQueues({ path, queues: settings })
    await queues.queue('work').send([{ body: 'a', delaySeconds: 1 }])
    const before = Date.now()
    expect(bodies(await queues.queue('work').receive({ waitSeconds: 10 }))).toEqual(['a'])
    expect(Date.now() - before).toBeLessThan(3000)
  })

  it('ends when another connection to the file has sent something', async () => {
    const other = openQueues()
    const waiting = queues.queue('work').receive({ waitSeconds: 10 })
    await other.queue('work').send([{ body: 'a' }])
    other.close()
    expect(bodies(await waiting)).toEqual(['a'])
  })

  it('gives each message to one of several who wait', async () => {
    const waiting = [1, 2, 3].map(() => queues.queue('work').receive({ max: 1, waitSeconds: 1 }))
    await queues.queue('work').send([{ body: 'a' }, { body: 'b' }])
    expect((await Promise.all(waiting)).flatMap(bodies).toSorted()).toEqual(['a', 'b'])
  })
})

describe('the file', () => {
  it('holds only the queues that it was opened with', () => {
    expect(() => queues.queue('other')).toThrow('queue other is not one of work, dead, work.fifo, dead.fifo')
  })

  it('takes all messages of a send or none', async () => {
    const queue = queues.queue('work.fifo')
    await expect(queue.send([message('a'), { body: 'b' }])).rejects.toThrow('groupId')
    expect(queue.peek(1)).toEqual([])
  })

  it('is refused where its format is another', () => {
    queues.close()
    const database = new DatabaseSync(path)
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(() => openQueues()).toThrow('has format 99, expected 1')
  })

  it('that is no database is refused, and one that cannot be opened', () => {
    path = folder
    expect(() => openQueues()).toThrow()
  })

  it('may be busy for a while', async () => {
    const impatient = openLocalQueues({ path, queues: settings, busyTimeout: 20 })
    const database = new DatabaseSync(path)
    database.exec('BEGIN IMMEDIATE')
    await expect(impatient.queue('work').send([{ body: 'a' }])).rejects.toBeInstanceOf(TransientError)
    database.exec('ROLLBACK')
    database.close()
    await impatient.queue('work').send([{ body: 'a' }])
    impatient.close()
  })
})

describe('processes that are killed', () => {
  it('lose nothing that was acknowledged, and bring nothing back', async () => {
    queues.close()
    rmSync(path)
    const sent = new Set<string>()
    const deleted = new Set<string>()
    const deleting = new Set<string>()
    for (let round = 0; round < 3; round++) {
      const child = spawn(process.execPath, [
        '--disable-warning=ExperimentalWarning',
        join(import.meta.dirname, 'local-child.ts'),
        path,
      ])
      let printed = ''
      child.stdout.on('data', data => {
        printed += data
        if (printed.length > 4000 + 1500 * round) child.kill('SIGKILL')
      })
      await once(child, 'close')
      for (const line of printed.split('\n').slice(0, -1)) {
        const [what, body] = line.split(' ')
        ;({ sent, deleted, deleting })[what as 'sent']!.add(body!)
      }
    }
    expect(deleted.size).toBeGreaterThan(50)
    time = Date.now() + 60_000
    queues = openQueues([{ name: 'work.fifo' }])
    const left = queues.queue('work.fifo').peek(100_000)
    const found = new Set(bodies(left))
    for (const body of sent) if (!deleting.has(body)) expect(found).toContain(body)
    for (const body of deleted) expect(found).not.toContain(body)
    expect(queues.queue('work.fifo').depth().inFlight).toBe(0)
    expect(found.size).toBe(left.length)
  })
})
