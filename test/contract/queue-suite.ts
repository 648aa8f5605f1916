import { describe, expect, it } from 'vitest'
import { PreconditionError } from '../../lib/errors.ts'
import type { OutgoingMessage, Queue, ReceivedMessage } from '../../lib/queue/queue.ts'

export interface QueueSettings {
  fifo?: boolean
  visibilitySeconds?: number
  /** With it the queue has a dead-letter queue. */
  maxReceives?: number
}

export interface QueueUnderTest {
  /** A new queue, or undefined where the server for it is not there: the suite is then shown as skipped. */
  create: ((settings: QueueSettings) => Promise<{ queue: Queue; deadLetter?: Queue }>) | undefined
  /** Lets that many seconds pass. */
  pass(seconds: number): Promise<void>
  /** True where the server, unlike SQS, deletes a message of a FIFO queue also by the handle of an earlier receive. */
  deletesByOldHandle?: boolean
}

const bodies = (messages: { body: string }[]): string[] => messages.map(({ body }) => body)

/** Messages of one group with an id each. */
const inGroup = (groupId: string, ...texts: string[]): OutgoingMessage[] =>
  texts.map(body => ({ body, groupId, deduplicationId: `${groupId}-${body}` }))

/** Receives until nothing comes, without deleting: a standard queue may hand out fewer than it has. */
async function receiveAll(queue: Queue): Promise<ReceivedMessage[]> {
  const all: ReceivedMessage[] = []
  for (;;) {
    const more = await queue.receive({ max: 10 })
    if (more.length === 0) return all
    all.push(...more)
  }
}

/** What every Queue does, whatever it stands on. */
export function testQueue(name: string, { create, pass, deletesByOldHandle = false }: QueueUnderTest): void {
  describe.skipIf(create === undefined)(`queue: ${name}`, () => {
    const open = (settings: QueueSettings = {}) => create!({ visibilitySeconds: 30, ...settings })

    describe('standard', () => {
      it('hands out what was sent, with its attributes', async () => {
        const { queue } = await open()
        expect(queue.fifo).toBe(false)
        const before = Date.now()
        await queue.send([{ body: '{"name":"Grün 😀","text":"line\\nbreak"}' }])
        const [message, ...others] = await queue.receive()
        expect(others).toEqual([])
        expect(message).toMatchObject({ body: '{"name":"Grün 😀","text":"line\\nbreak"}', receiveCount: 1 })
        expect(message!.messageId).toMatch(/.+/)
        expect(message!.receiptHandle).toMatch(/.+/)
        expect(Math.abs(message!.sentAt.getTime() - before)).toBeLessThan(60_000)
        expect(message!.groupId).toBeUndefined()
        expect(message!.deduplicationId).toBeUndefined()
      })

      it('takes more messages than one batch has, and hands out ten at most', async () => {
        const { queue } = await open()
        const sent = Array.from({ length: 25 }, (_, i) => `message ${i}`)
        await queue.send(sent.map(body => ({ body })))
        await queue.send([])
        const first = await queue.receive({ max: 10 })
        expect(first.length).toBeGreaterThan(0)
        expect(first.length).toBeLessThanOrEqual(10)
        expect(await queue.receive({ max: 1 })).toHaveLength(1)
        const rest = await receiveAll(queue)
        expect(first.length + 1 + rest.length).toBe(25)
        expect(new Set([...first, ...rest].map(({ messageId }) => messageId)).size).toBe(24)
      })

      it('takes messages that are too large together', async () => {
        const { queue } = await open()
        const large = ['a', 'b', 'c'].map(letter => letter.repeat(200 * 1024))
        await queue.send(large.map(body => ({ body })))
        expect(bodies(await receiveAll(queue)).toSorted()).toEqual(large)
      })

      it('refuses a message that no queue takes', async () => {
        const { queue } = await open()
        await expect(queue.send([{ body: 'x'.repeat(256 * 1024 + 1) }])).rejects.toThrow(RangeError)
        await expect(queue.send([{ body: 'good' }, { body: '' }])).rejects.toThrow(RangeError)
        await expect(queue.send([{ body: 'x', delaySeconds: 901 }])).rejects.toThrow(RangeError)
        await expect(queue.send([{ body: 'x', deduplicationId: 'd' }])).rejects.toThrow(RangeError)
        expect(await queue.receive()).toEqual([])
      })

      it('forgets a message that is deleted', async () => {
        const { queue } = await open({ visibilitySeconds: 1 })
        await queue.send([{ body: 'a' }])
        const [message] = await queue.receive()
        await queue.delete(message!.receiptHandle)
        await queue.delete(message!.receiptHandle)
        await pass(2)
        expect(await queue.receive()).toEqual([])
      })

      it('hands a message out again when its time-out has ended, and counts', async () => {
        const { queue } = await open({ visibilitySeconds: 1 })
        await queue.send([{ body: 'a' }])
        const [first] = await queue.receive()
        expect(await queue.receive()).toEqual([])
        await pass(2)
        const [second] = await queue.receive({ visibilitySeconds: 60 })
        expect(second).toMatchObject({ body: 'a', messageId: first!.messageId, receiveCount: 2 })
        await pass(2)
        expect(await queue.receive()).toEqual([])
      })

      it('changes how long a message stays invisible', async () => {
        const { queue } = await open()
        await queue.send([{ body: 'a' }])
        const [first] = await queue.receive()
        await queue.changeVisibility(first!.receiptHandle, 0)
        const [second] = await queue.receive()
        expect(second).toMatchObject({ body: 'a', receiveCount: 2 })
        await queue.changeVisibility(second!.receiptHandle, 2)
        expect(await queue.receive()).toEqual([])
        await pass(3)
        const [third] = await queue.receive()
        await expect(queue.changeVisibility(third!.receiptHandle, 43_201)).rejects.toThrow(RangeError)
        await expect(queue.receive({ visibilitySeconds: -1 })).rejects.toThrow(RangeError)
      })

      it('does not mind a delete with the handle of an earlier receive', async () => {
        const { queue } = await open()
        await queue.send([{ body: 'a' }])
        const [first] = await queue.receive()
        await queue.changeVisibility(first!.receiptHandle, 0)
        const [second] = await queue.receive()
        await queue.delete(first!.receiptHandle)
        await queue.delete(second!.receiptHandle)
      })

      it('refuses to change what is deleted', async () => {
        const { queue } = await open()
        await queue.send([{ body: 'a' }])
        const [message] = await queue.receive()
        await queue.delete(message!.receiptHandle)
        await expect(queue.changeVisibility(message!.receiptHandle, 10)).rejects.toBeInstanceOf(PreconditionError)
      })

      it('holds a delayed message back', async () => {
        const { queue } = await open()
        await queue.send([{ body: 'late', delaySeconds: 2 }, { body: 'now' }])
        expect(bodies(await receiveAll(queue))).toEqual(['now'])
        await pass(3)
        expect(bodies(await queue.receive())).toEqual(['late'])
      })

      it('moves a message that failed too often to the dead-letter queue', async () => {
        const { queue, deadLetter } = await open({ maxReceives: 2 })
        await queue.send([{ body: 'poison' }])
        let id = ''
        for (let count = 1; count <= 2; count++) {
          const [message] = await queue.receive()
          expect(message!.receiveCount).toBe(count)
          id = message!.messageId
          await queue.changeVisibility(message!.receiptHandle, 0)
        }
        expect(await queue.receive()).toEqual([])
        // Why it failed is found by its id.
        expect(await deadLetter!.receive()).toEqual([expect.objectContaining({ body: 'poison', messageId: id })])
      })

      it('waits for a message, and no longer', async () => {
        const { queue } = await open()
        const started = Date.now()
        expect(await queue.receive({ waitSeconds: 1 })).toEqual([])
        expect(Date.now() - started).toBeGreaterThan(900)
        const waiting = queue.receive({ waitSeconds: 10 })
        setTimeout(() => void queue.send([{ body: 'a' }]), 300)
        const again = Date.now()
        expect(bodies(await waiting)).toEqual(['a'])
        expect(Date.now() - again).toBeLessThan(5000)
      })
    })

    describe('FIFO', () => {
      const openFifo = (settings: QueueSettings = {}) => open({ fifo: true, ...settings })

      it('hands out a group in order, with its ids', async () => {
        const { queue } = await openFifo()
        expect(queue.fifo).toBe(true)
        await queue.send(inGroup('s/v1', 'a', 'b', 'c'))
        await queue.send(inGroup('s/v1', 'd'))
        const received = await queue.receive({ max: 10 })
        expect(bodies(received)).toEqual(['a', 'b', 'c', 'd'])
        expect(received[0]).toMatchObject({ groupId: 's/v1', deduplicationId: 's/v1-a', receiveCount: 1 })
      })

      it('keeps the order of a long send across receives', async () => {
        const { queue } = await openFifo()
        const sent = Array.from({ length: 23 }, (_, i) => `m${i}`)
        await queue.send(inGroup('g', ...sent))
        const seen: string[] = []
        while (seen.length < sent.length) {
          const received = await queue.receive({ max: 4 })
          expect(received.length).toBeGreaterThan(0)
          for (const { body, receiptHandle } of received) {
            seen.push(body)
            await queue.delete(receiptHandle)
          }
        }
        expect(seen).toEqual(sent)
      })

      it('hands out nothing more of a group that has a message in flight', async () => {
        const { queue } = await openFifo()
        await queue.send([...inGroup('g', 'g1', 'g2'), ...inGroup('h', 'h1')])
        const [first] = await queue.receive({ max: 1 })
        expect(first!.body).toBe('g1')
        expect(bodies(await receiveAll(queue))).toEqual(['h1'])
        await queue.send(inGroup('g', 'g3'))
        expect(await queue.receive()).toEqual([])
        await queue.delete(first!.receiptHandle)
        expect(bodies(await queue.receive({ max: 10 }))).toEqual(['g2', 'g3'])
      })

      it('keeps the order after a failure', async () => {
        const { queue } = await openFifo()
        await queue.send(inGroup('g', 'a', 'b', 'c'))
        const [failed] = await queue.receive({ max: 1 })
        await queue.changeVisibility(failed!.receiptHandle, 0)
        const again = await queue.receive({ max: 10 })
        expect(bodies(again)).toEqual(['a', 'b', 'c'])
        expect(again.map(({ receiveCount }) => receiveCount)).toEqual([2, 1, 1])
      })

      it('keeps the order when a time-out ends', async () => {
        const { queue } = await openFifo({ visibilitySeconds: 1 })
        await queue.send(inGroup('g', 'a', 'b'))
        await queue.receive({ max: 1 })
        await pass(2)
        expect(bodies(await queue.receive({ max: 10 }))).toEqual(['a', 'b'])
      })

      it('drops a message whose deduplication id it has seen, also after the first was deleted', async () => {
        const { queue } = await openFifo()
        await queue.send(inGroup('g', 'a'))
        await queue.send([{ body: 'other body', groupId: 'g', deduplicationId: 'g-a' }])
        const [message, ...others] = await queue.receive({ max: 10 })
        expect(message!.body).toBe('a')
        expect(others).toEqual([])
        await queue.delete(message!.receiptHandle)
        await queue.send(inGroup('g', 'a', 'b'))
        expect(bodies(await queue.receive({ max: 10 }))).toEqual(['b'])
      })

      it(`${deletesByOldHandle ? 'deletes, unlike SQS,' : 'does not delete'} with the handle of an earlier receive`, async () => {
        const { queue } = await openFifo()
        await queue.send(inGroup('g', 'a'))
        const [first] = await queue.receive()
        await queue.changeVisibility(first!.receiptHandle, 0)
        const [second] = await queue.receive()
        await queue.delete(first!.receiptHandle).catch(error => expect(error).toBeInstanceOf(PreconditionError))
        const change = queue.changeVisibility(second!.receiptHandle, 0)
        if (deletesByOldHandle) {
          await expect(change).rejects.toBeInstanceOf(PreconditionError)
          return
        }
        await change
        const [third] = await queue.receive()
        expect(third).toMatchObject({ body: 'a', receiveCount: 3 })
        await queue.delete(third!.receiptHandle)
      })

      it('moves a failing message with its group to the dead-letter queue, and goes on with the group', async () => {
        const { queue, deadLetter } = await openFifo({ maxReceives: 1 })
        await queue.send(inGroup('g', 'poison', 'good'))
        const [failed] = await queue.receive({ max: 1 })
        expect(failed!.body).toBe('poison')
        await queue.changeVisibility(failed!.receiptHandle, 0)
        const next: ReceivedMessage[] = []
        // A server may move on one receive and hand out on the next.
        for (let i = 0; i < 3 && next.length === 0; i++) next.push(...(await queue.receive({ max: 10 })))
        expect(bodies(next)).toEqual(['good'])
        const [dead] = await deadLetter!.receive()
        expect(dead).toMatchObject({ body: 'poison', groupId: 'g', messageId: failed!.messageId })
      })

      it('refuses a message without its ids, or with a delay', async () => {
        const { queue } = await openFifo()
        const [good] = inGroup('g', 'a')
        for (const wrong of [
          { groupId: undefined },
          { deduplicationId: undefined },
          { groupId: 'a b' },
          { delaySeconds: 5 },
        ]) {
          await expect(queue.send([{ ...good!, ...wrong }])).rejects.toThrow(RangeError)
        }
        expect(await queue.receive()).toEqual([])
      })

      it('wakes a receive that waits when the group is free again', async () => {
        const { queue } = await openFifo()
        await queue.send(inGroup('g', 'a', 'b'))
        const [first] = await queue.receive({ max: 1 })
        const waiting = queue.receive({ waitSeconds: 10 })
        setTimeout(() => void queue.delete(first!.receiptHandle), 300)
        const started = Date.now()
        expect(bodies(await waiting)).toEqual(['b'])
        expect(Date.now() - started).toBeLessThan(5000)
      })
    })
  })
}
