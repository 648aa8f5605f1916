import type { DeadLetter } from '../../lib/queue/dead-letters.ts'
import type { MessageNames } from '../../lib/queue/message-body.ts'
import { formatTable, type Output } from './output.ts'

/** Enough of a message's id to name it. */
export const shortMessage = (messageId: string): string => messageId.slice(0, 8)

/** Characters of a reason in a table. */
const shortReason = 100

const formatTime = (time: string): string => time.slice(0, 19).replace('T', ' ')

const formatMore = ({ more }: MessageNames): string => (more ? ` and ${more} more` : '')

/** The thing that a message is about, where it is not a dataset. */
function formatSubject(work: MessageNames): string {
  if (work.dataset !== undefined) return work.dataset + formatMore(work)
  if (work.file !== undefined) return work.file + formatMore(work)
  return work.kind === 'work' ? '' : `(${work.kind})`
}

function formatReason({ failure }: DeadLetter): string {
  if (!failure) return 'not known'
  const text = [failure.error, failure.reason].filter(part => part !== undefined).join(': ')
  return text.length > shortReason ? `${text.slice(0, shortReason - 1)}…` : text
}

/** One line a message. */
export function formatDeadLetters(letters: DeadLetter[]): string[] {
  return formatTable(
    [
      { title: 'queue' },
      { title: 'message' },
      { title: 'study' },
      { title: 'version' },
      { title: 'dataset' },
      { title: 'tries', align: 'right' },
      { title: 'last try (UTC)' },
      { title: 'reason' },
    ],
    letters.map(letter => [
      letter.queue,
      shortMessage(letter.messageId),
      letter.work.study ?? '',
      letter.work.version ?? '',
      formatSubject(letter.work),
      letter.failure ? String(letter.failure.tries) : '',
      letter.failure ? formatTime(letter.failure.time) : '',
      formatReason(letter),
    ]),
  )
}

/** All that is known of a message, a line each. */
export function printDeadLetter(output: Output, { queue, function: fed, messageId, sent, work, failure }: DeadLetter) {
  output.line(`message ${messageId} of the queue ${queue}`)
  const facts: [string, string | number | undefined][] = [
    ['function', fed],
    ['study', work.study],
    ['version', work.version],
    ['dataset', work.dataset],
    ['file', work.file === undefined ? undefined : work.file + formatMore(work)],
    ['etag', work.etag],
    ['run', work.run],
    ['kind', work.kind === 'work' ? undefined : work.kind],
    ['sent', `${formatTime(sent)} UTC`],
    ['last try', failure && `${formatTime(failure.time)} UTC, number ${failure.tries}`],
    ['request', failure?.requestId],
    ['error', failure?.error],
  ]
  for (const [name, fact] of facts) if (fact !== undefined) output.line(`  ${name.padEnd(9)} ${fact}`)
  const lines = (title: string, text: string): void =>
    text.split('\n').forEach((line, at) => {
      output.line(`  ${(at === 0 ? title : '').padEnd(9)} ${line}`)
    })
  if (failure?.reason !== undefined) lines('reason', failure.reason)
  if (failure?.cause !== undefined) lines('because', failure.cause)
  if (!failure)
    lines(
      'reason',
      `not known: the function ended before it could say. Its time or memory may not have sufficed; see the log of ${fed}`,
    )
}
