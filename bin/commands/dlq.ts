import { type CommandDef, defineCommand } from 'citty'
import { mostListed } from '../../lib/queue/dead-letters.ts'
import { findDeadLetter, parseQueueName, withDeadLetters } from '../support/dead-letters.ts'
import { defineStudyCommand } from '../support/define.ts'
import { exitCodes, UsageError } from '../support/failure.ts'
import { count, formatCount } from '../support/output.ts'
import { commandLine } from '../support/paths.ts'
import { formatDeadLetters, printDeadLetter, shortMessage } from '../support/print-dead-letters.ts'

const aws = {
  type: 'boolean',
  default: false,
  description: 'Of a deployment: LANDING_QUEUE_URL, LANDING_DLQ_URL and so on, and LAKE_BUCKET say where',
} as const

const none = 'No message was given up.'

/** A command line to copy, for the same place. */
const again = (command: string, { data, aws }: { data: string; aws: boolean }): string =>
  aws ? `npm run -s studylake -- dlq ${command} --aws` : commandLine(`dlq ${command}`, { data })

const list = defineStudyCommand({
  name: 'dlq list',
  description: 'List the messages that were given up, and why',
  args: { aws },
  async run({ args, data, output }) {
    const place = { data, aws: args.aws }
    const letters = await withDeadLetters(place, access => access.listDeadLetters())
    output.document(letters)
    if (letters.length === 0) {
      output.line(none)
      return exitCodes.done
    }
    for (const line of formatDeadLetters(letters)) output.line(line)
    const perQueue = Map.groupBy(letters, ({ queue }) => queue)
    for (const [queue, { length }] of perQueue)
      if (length >= mostListed) output.line(`  … of ${queue} these are the first ${formatCount(length)}`)
    // Ten is what SQS hands out of a group of a FIFO queue before one of them is deleted.
    if (args.aws && [...perQueue.values()].some(({ length }) => length >= 10))
      output.line(
        '  There may be more: of one group of a FIFO queue only the first ten can be seen. A redrive takes all.',
      )
    output.line()
    output.line(`All about one: ${again('show QUEUE MESSAGE', place)}`)
    output.line(`Once the cause is mended: ${again('redrive', place)}`)
    return exitCodes.done
  },
})

const show = defineStudyCommand({
  name: 'dlq show',
  description: 'Show all that is known of the messages that a queue gave up, or of one of them',
  args: {
    queue: { type: 'positional', required: true, description: 'The queue: convert, add-keys …' },
    message: { type: 'positional', required: false, description: 'The message, or the start of its id; all without' },
    aws,
  },
  async run({ args, data, output }) {
    const queue = parseQueueName(args.queue)
    const all = await withDeadLetters({ data, aws: args.aws }, access => access.listDeadLetters())
    const letters = all.filter(letter => letter.queue === queue)
    if (args.message !== undefined) {
      const letter = findDeadLetter(letters, args.message, queue)
      output.document(letter)
      printDeadLetter(output, letter)
      return exitCodes.done
    }
    output.document(letters)
    if (letters.length === 0) output.line(`No message of ${queue} was given up.`)
    for (const [at, letter] of letters.entries()) {
      if (at > 0) output.line()
      printDeadLetter(output, letter)
    }
    return exitCodes.done
  },
})

const redrive = defineStudyCommand({
  name: 'dlq redrive',
  description: 'Send messages that were given up to their queues again, once the cause is mended',
  args: {
    queue: { type: 'positional', required: false, description: 'The queue: convert, add-keys …; all without' },
    message: { type: 'string', valueHint: 'ID', description: 'Only this message: its id, or the start of it' },
    aws,
  },
  async run({ args, data, output }) {
    const queue = args.queue === undefined ? undefined : parseQueueName(args.queue)
    const place = { data, aws: args.aws }
    return withDeadLetters(place, async access => {
      let scope: { queue?: string; messageId?: string } = { queue }
      if (args.message !== undefined) {
        const all = await access.listDeadLetters()
        const chosen = queue === undefined ? all : all.filter(letter => letter.queue === queue)
        const found = findDeadLetter(chosen, args.message, queue)
        scope = { queue: found.queue, messageId: found.messageId }
      }
      const moved = await access.redrive(scope)
      output.document({ redriven: moved, running: access.running })
      if (moved.length === 0) {
        output.line(queue === undefined ? none : `No message of ${queue} was given up.`)
        // Whoever names one message wants it to go.
        return args.message === undefined ? exitCodes.done : exitCodes.refused
      }
      for (const [name, of] of Map.groupBy(moved, letter => letter.queue))
        output.line(`${name}: ${count(of.length, 'message')} sent again`)
      if (moved.length === 1)
        output.line(`It was ${shortMessage(moved[0]!.messageId)}; in its queue it has another id.`)
      output.line()
      output.line(
        access.running
          ? `See that none comes back: ${again('list', place)}`
          : `Nothing is running: they are worked on by the next ${commandLine('dev', { data })}`,
      )
      return exitCodes.done
    })
  },
})

const actions: Record<string, CommandDef> = { list, show, redrive }

export default defineCommand({
  meta: {
    name: 'dlq',
    description: 'Look after messages that were given up after too many tries: the dead-letter queues',
  },
  subCommands: actions,
  setup({ rawArgs: [action] }) {
    const known = Object.keys(actions).join(', ')
    if (action === undefined) throw new UsageError(`dlq: which of ${known}?`)
    if (!Object.hasOwn(actions, action))
      throw new UsageError(`dlq: ${JSON.stringify(action)} is none of ${known}; one of them comes first`)
  },
})
