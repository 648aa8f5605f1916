import fc from 'fast-check'
import { expect, it } from 'vitest'
import { openLocalQueues } from '../../../lib/queue/local.ts'

/** SQS in a few lines, as its documentation describes it; slow and in memory. */
class Model {
  messages: { body: string; group: string; visibleAt: number; receives: number; latest?: string }[] = []
  dead: string[] = []
  seen = new Map<string, number>()
  fifo: boolean
  maxReceives: number

  constructor(fifo: boolean, maxReceives: number) {
    this.fifo = fifo
    this.maxReceives = maxReceives
  }

  send(body: string, group: string, id: string, delay: number, now: number) {
    if (this.fifo) {
      if ((this.seen.get(id) ?? 0) > now) return
      this.seen.set(id, now + 300)
    }
    this.messages.push({ body, group, visibleAt: now + delay, receives: 0 })
  }

  receive(max: number, visibility: number, now: number): string[] {
    const inFlight = new Set(this.messages.filter(({ visibleAt }) => visibleAt > now).map(({ group }) => group))
    const received: string[] = []
    for (const message of [...this.messages]) {
      if (received.length === max) break
      if (this.fifo ? inFlight.has(message.group) : message.visibleAt > now) continue
      if (message.receives === this.maxReceives) {
        this.dead.push(message.body)
        this.messages.splice(this.messages.indexOf(message), 1)
        continue
      }
      message.receives++
      message.visibleAt = now + visibility
      received.push(message.body)
    }
    return received
  }
}

interface Receipt {
  handle: string
  /** The model's message, and its count when the handle was given. */
  message: Model['messages'][number]
  receives: number
}

const command = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      what: fc.constant('send' as const),
      group: fc.nat(2),
      id: fc.nat(8),
      delay: fc.constantFrom(0, 0, 5),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('receive' as const),
      max: fc.integer({ min: 1, max: 4 }),
      visibility: fc.constantFrom(0, 2, 10),
    }),
  },
  { weight: 3, arbitrary: fc.record({ what: fc.constant('delete' as const), which: fc.nat(20) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      what: fc.constant('change' as const),
      which: fc.nat(20),
      seconds: fc.constantFrom(0, 3, 20),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('pass' as const), seconds: fc.constantFrom(1, 4, 11, 301) }) },
)

it.each([
  ['standard', false],
  ['FIFO', true],
])('a %s queue does what the model does', async (_, fifo) => {
  const ending = fifo ? '.fifo' : ''
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (commands, maxReceives) => {
        let now = 1_000_000
        const queues = openLocalQueues({
          path: ':memory:',
          queues: [{ name: `work${ending}`, maxReceives, deadLetter: `dead${ending}` }, { name: `dead${ending}` }],
          now: () => now * 1000,
        })
        const queue = queues.queue(`work${ending}`)
        const model = new Model(fifo, maxReceives)
        const receipts: Receipt[] = []
        for (const [i, step] of commands.entries()) {
          if (step.what === 'pass') now += step.seconds
          else if (step.what === 'send') {
            const { group, id } = step
            const delay = fifo ? 0 : step.delay
            const ids = fifo ? { groupId: `${group}`, deduplicationId: `${id}` } : { delaySeconds: delay }
            await queue.send([{ body: `m${i}`, ...ids }])
            model.send(`m${i}`, `${group}`, `${id}`, delay, now)
          } else if (step.what === 'receive') {
            const received = await queue.receive({ max: step.max, visibilitySeconds: step.visibility })
            expect(received.map(({ body }) => body)).toEqual(model.receive(step.max, step.visibility, now))
            for (const { body, receiptHandle, receiveCount } of received) {
              const message = model.messages.find(other => other.body === body)!
              expect(receiveCount).toBe(message.receives)
              receipts.push({ handle: receiptHandle, message, receives: receiveCount })
            }
          } else {
            const receipt = receipts[step.which % Math.max(receipts.length, 1)]
            if (!receipt) continue
            const { handle, message } = receipt
            const there = model.messages.includes(message)
            const latest = there && message.receives === receipt.receives
            const inFlight = latest && message.visibleAt > now
            if (step.what === 'delete') {
              const refused = await queue.delete(handle).then(
                () => false,
                () => true,
              )
              expect(refused).toBe(fifo && there && !inFlight)
              if (latest && !refused) model.messages.splice(model.messages.indexOf(message), 1)
            } else {
              const refused = await queue.changeVisibility(handle, step.seconds).then(
                () => false,
                () => true,
              )
              expect(refused).toBe(!inFlight)
              if (inFlight) message.visibleAt = now + step.seconds
            }
          }
          const invisible = model.messages.filter(({ visibleAt }) => visibleAt > now)
          const inFlight = invisible.filter(({ receives }) => receives > 0).length
          expect(queue.depth()).toEqual({
            visible: model.messages.length - invisible.length,
            inFlight,
            delayed: invisible.length - inFlight,
          })
          expect(queue.peek(100).map(({ body }) => body)).toEqual(model.messages.map(({ body }) => body))
          expect(
            queues
              .queue(`dead${ending}`)
              .peek(100)
              .map(({ body }) => body),
          ).toEqual(model.dead)
        }
        queues.close()
      },
    ),
    { numRuns: 300 },
  )
})
