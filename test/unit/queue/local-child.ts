/**
 * A worker of its own process: `local-child.ts FILE`. Sends, receives and deletes without pause and prints what was acknowledged:
 * `sent N`, `deleted N`.
 */
import { openLocalQueues } from '../../../lib/queue/local.ts'

const queues = openLocalQueues({ path: process.argv[2]!, queues: [{ name: 'work.fifo', visibilitySeconds: 1 }] })
const queue = queues.queue('work.fifo')

for (let i = 0; ; i++) {
  const body = `${process.pid}-${i}`
  await queue.send([{ body, groupId: `g${i % 3}`, deduplicationId: body }])
  process.stdout.write(`sent ${body}\n`)
  if (i % 3 === 0) continue
  for (const message of await queue.receive({ max: 1 })) {
    process.stdout.write(`deleting ${message.body}\n`)
    await queue.delete(message.receiptHandle)
    process.stdout.write(`deleted ${message.body}\n`)
  }
}
