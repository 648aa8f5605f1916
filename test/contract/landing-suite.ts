import { describe, expect, it } from 'vitest'
import { decodeKey, landingMessage, type ObjectEvent } from '../../events/landing.ts'
import { PreconditionError } from '../../lib/errors.ts'
import type { Queue } from '../../lib/queue/queue.ts'
import type { ObjectStore } from '../../lib/store/object-store.ts'

export interface Landing {
  /** Its new `.csv` and `.json` objects are announced on the queue. */
  store: ObjectStore
  queue: Queue
}

export interface LandingUnderTest {
  /** An empty bucket and its queue, or undefined where the server for them is not there: the suite is then shown as skipped. */
  create: (() => Promise<Landing>) | undefined
  /** True where setting the announcements up puts an s3:TestEvent on the queue, as S3 does. */
  sendsTestEvent: boolean
  /** True where only `.csv` and `.json` are announced. */
  filtersSuffixes: boolean
  /** Seconds without a message after which no more is expected: an announcement comes after the upload's answer. */
  quietSeconds: number
}

const MiB = 1024 * 1024
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

async function* repeat(chunk: Uint8Array, times: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < times; i++) yield chunk
}

type Record = ObjectEvent['Records'][number]

/** Reads the queue until nothing has come for a while: what `receive` makes of its messages. */
async function readUntilQuiet(queue: Queue, waitSeconds: number) {
  const messages: { testEvents: number; records: Record[] } = { testEvents: 0, records: [] }
  for (;;) {
    const received = await queue.receive({ max: 10, waitSeconds })
    if (received.length === 0) return messages
    for (const { body, receiptHandle } of received) {
      const message = landingMessage.parse(JSON.parse(body))
      if ('Records' in message) messages.records.push(...message.Records)
      else if ('Event' in message) messages.testEvents++
      else throw new Error('a bucket does not ask for a second look')
      await queue.delete(receiptHandle)
    }
  }
}

const keysOf = (records: Record[]): string[] => records.map(({ s3 }) => decodeKey(s3.object.key)).toSorted()

/** How every landing bucket announces what is uploaded, in the words that `receive` understands. */
export function testLanding(
  name: string,
  { create, sendsTestEvent, filtersSuffixes, quietSeconds }: LandingUnderTest,
): void {
  describe.skipIf(create === undefined)(`landing: ${name}`, { concurrent: true }, () => {
    const open = (): Promise<Landing> => create!()
    const readMessages = (queue: Queue) => readUntilQuiet(queue, quietSeconds)

    it(`sends ${sendsTestEvent ? 'an s3:TestEvent' : 'nothing'} when it is set up`, async () => {
      const { queue } = await open()
      const { testEvents, records } = await readMessages(queue)
      expect(testEvents > 0).toBe(sendsTestEvent)
      expect(records).toEqual([])
    })

    it('announces an upload with bucket, key, size and ETag, once', async () => {
      const { store, queue } = await open()
      const { etag } = await store.put('study/v1/dm.csv', bytes('a,b\n1,2\n'))
      const { records } = await readMessages(queue)
      expect(records).toHaveLength(1)
      const [{ eventName, eventTime, s3 }] = records as [Record]
      expect(eventName).toMatch(/^(s3:)?ObjectCreated:Put$/)
      expect(Math.abs(Date.parse(eventTime!) - Date.now())).toBeLessThan(60_000)
      expect(s3).toMatchObject({
        bucket: { name: store.bucket },
        object: { key: 'study/v1/dm.csv', size: 8, eTag: etag },
      })
    })

    it('writes keys so that they can be read again', async () => {
      const { store, queue } = await open()
      const files = [
        'with space.csv',
        'a+b.csv',
        '100%.csv',
        '%41.csv',
        'Größe.csv',
        "it's(1)!*~.csv",
        'q?x=1&y=2#z.csv',
        '表😀.csv',
      ]
      const keys = files.map(file => `study/v1/${file}`)
      for (const key of keys) await store.put(key, bytes(key))
      const { records } = await readMessages(queue)
      expect(keysOf(records)).toEqual(keys.toSorted())
      // What was announced is there under that name.
      for (const { s3 } of records) expect((await store.head(decodeKey(s3.object.key)))!.etag).toBe(s3.object.eTag)
    })

    it('announces what comes in parts when it is whole', async () => {
      const { store, queue } = await open()
      const { etag, size } = await store.put('study/v1/lb.csv', repeat(new Uint8Array(MiB).fill(65), 9))
      const { records } = await readMessages(queue)
      expect(records.map(({ s3 }) => s3.object)).toEqual([
        expect.objectContaining({ key: 'study/v1/lb.csv', size, eTag: etag }),
      ])
    })

    it('announces the same bytes anew when they are uploaded again', async () => {
      const { store, queue } = await open()
      for (let i = 0; i < 3; i++) await store.put('study/v1/dm.csv', bytes('a,b\n1,2\n'))
      const { records } = await readMessages(queue)
      // `receive` names the cause of what follows by these.
      const causes = records.map(({ eventTime, s3 }) => JSON.stringify([eventTime, s3.object]))
      expect(new Set(causes).size).toBe(3)
    })

    it('announces neither what was refused nor what was deleted', async () => {
      const { store, queue } = await open()
      await store.put('study/v1/dm.csv', bytes('first'))
      const again = store.put('study/v1/dm.csv', bytes('second'), { ifAbsent: true })
      await expect(again).rejects.toBeInstanceOf(PreconditionError)
      await store.delete('study/v1/dm.csv')
      expect(keysOf((await readMessages(queue)).records)).toEqual(['study/v1/dm.csv'])
    })

    it(`announces ${filtersSuffixes ? 'nothing but' : 'more than'} CSV and JSON`, async () => {
      const { store, queue } = await open()
      const keys = ['study/study.json', 'study/v1/contents.csv', 'study/v1/readme.txt']
      for (const key of keys) await store.put(key, bytes(key))
      expect(keysOf((await readMessages(queue)).records)).toEqual(filtersSuffixes ? keys.slice(0, 2) : keys)
    })
  })
}
