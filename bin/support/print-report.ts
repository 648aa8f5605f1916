import type { DeadLetters } from '../../infra/local/queues.ts'
import { describeProblem, type Problem } from '../../lib/errors.ts'
import type { VersionStatus } from '../../lib/pipeline/status.ts'
import type { Report } from '../../lib/report.ts'
import { exitCodes } from './failure.ts'
import { count, formatCount, formatTable, type Output } from './output.ts'
import { commandLine } from './paths.ts'

/** Enough of a commit id to name it: lakeFS takes any unique start. */
export const shortCommit = (commit: string): string => commit.slice(0, 16)

/** The most problems that are printed; the report has them all. */
const mostPrinted = 20

/** One line a problem, indented; a long list is cut, and says so. */
export function formatProblems(problems: Problem[], limit = mostPrinted): string[] {
  const lines = problems.slice(0, limit).map(problem => `  ${describeProblem(problem)}`)
  const left = problems.length - lines.length
  return left > 0 ? [...lines, `  … and ${formatCount(left)} more: see the report with --json`] : lines
}

/** The datasets of a report: columns, and rows in, out and rejected. */
export function formatDatasets({ datasets }: Report): string[] {
  const nulled = datasets.some(({ valuesNulled }) => valuesNulled > 0)
  return formatTable(
    [
      { title: 'dataset' },
      { title: 'columns', align: 'right' },
      { title: 'rows in', align: 'right' },
      { title: 'rows out', align: 'right' },
      { title: 'rejected', align: 'right' },
      ...(nulled ? [{ title: 'values nulled', align: 'right' as const }] : []),
    ],
    datasets.map(({ dataset, columns, rowsIn, rowsOut, rowsRejected, valuesNulled }) => [
      dataset,
      ...[columns, rowsIn, rowsOut, rowsRejected, ...(nulled ? [valuesNulled] : [])].map(formatCount),
    ]),
  )
}

/** The entities of a report: keys in all, and how many of them are new and known. */
export function formatEntities({ entities, datasets }: Report): string[] {
  const nullKeys = (entity: string): number => datasets.reduce((sum, { nullKeys }) => sum + (nullKeys[entity] ?? 0), 0)
  const nulls = entities.some(({ entity }) => nullKeys(entity) > 0)
  return formatTable(
    [
      { title: 'keys of' },
      { title: 'in all', align: 'right' },
      { title: 'new', align: 'right' },
      { title: 'known', align: 'right' },
      ...(nulls ? [{ title: 'rows without', align: 'right' as const }] : []),
    ],
    entities.map(({ entity, distinct, new: fresh }) => [
      entity,
      ...[distinct, fresh, distinct - fresh, ...(nulls ? [nullKeys(entity)] : [])].map(formatCount),
    ]),
  )
}

/** All that a version's report says, for people. */
export function printReport(output: Output, { state, report }: VersionStatus): void {
  const { study, version, commit, seconds, datasets, entities, problems, warnings, waitingFor, promoted } = report
  const facts = [
    state === 'committed' && commit && `commit ${shortCommit(commit)}`,
    promoted && 'promoted to main',
    state === 'committed' && seconds !== undefined && `${seconds.toFixed(1)} s`,
  ].filter(fact => fact)
  output.line(`${study} ${version}: ${[state, ...facts].join(', ')}`)
  const block = (lines: string[], title?: string): void => {
    output.line()
    if (title) output.line(title)
    for (const line of lines) output.line(line)
  }
  if (datasets.length > 0) block(formatDatasets(report))
  if (entities.length > 0) block(formatEntities(report))
  if (problems.length > 0) block(formatProblems(problems), 'Why it was rejected:')
  if (warnings.length > 0) block(formatProblems(warnings), 'Worth knowing:')
  if (state === 'waiting')
    block(
      waitingFor.map(file => `  ${file}`),
      'Waiting for:',
    )
}

/** What the person can do next about a version that was not committed; undefined where there is nothing to do. */
export function adviseOn({ state, report }: VersionStatus): string | undefined {
  if (state === 'rejected') {
    const stands = report.commit ? ` The version stays at commit ${shortCommit(report.commit)}.` : ''
    return `Nothing of it was committed.${stands} Correct the files and load the version again.`
  }
  if (state === 'waiting')
    return `Nothing is lost: add ${count(report.waitingFor.length, 'file')} to the folder and load the version again.`
  if (state === 'processing') return 'The work is not done yet.'
  return undefined
}

/** Messages that were given up, and the command that says why. */
export function printDeadLetters(output: Output, deadLetters: DeadLetters[], { data }: { data: string }): void {
  if (deadLetters.length === 0) return
  output.line()
  output.line(
    `Given up after many tries: ${deadLetters.map(({ queue, count: number }) => `${number} in ${queue}`).join(', ')}.`,
  )
  output.line(`The reasons: ${commandLine('dlq list', { data })}`)
}

export const exitCodeOf = ({ state }: VersionStatus): number =>
  state === 'committed' ? exitCodes.done : exitCodes.refused
