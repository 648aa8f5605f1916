import { join } from 'node:path'
import { finishVersion, uploadFolder } from '../../bin/support/load-version.ts'
import type { Output } from '../../bin/support/output.ts'
import { sampleFolder } from '../../bin/support/paths.ts'
import { formatProblems, printReport } from '../../bin/support/print-report.ts'
import type { Session } from '../../bin/support/session.ts'
import { readStudyFolder } from '../../bin/support/study-folder.ts'
import { type Tampering, tamperWithSchema } from '../../bin/support/tamper.ts'
import { inspectVersion, type VersionStatus } from '../../lib/pipeline/status.ts'

const study = 'ilms'
const expected: { folder: string; version: string; state: VersionStatus['state'] }[] = [
  ...['v1', 'v2', 'v3', 'v4'].map(version => ({ folder: study, version, state: 'committed' as const })),
  { folder: 'ilms-broken', version: 'v5', state: 'rejected' },
]

export interface SampleResult {
  versions: VersionStatus[]
  /** What lakeFS answered to a type that was changed by hand. */
  refused: Tampering
  /** All versions came out as they should, and the change was refused. */
  asMeant: boolean
}

/** Loads the bundled sample through a running stack, its broken version too, and has the gate refuse a change by hand. */
export async function loadSample(session: Session, output: Output): Promise<SampleResult> {
  const versions: VersionStatus[] = []
  for (const { folder, version } of expected) {
    const known = await inspectVersion(session.environment, study, version)
    const done = known.state === 'committed' || known.state === 'rejected'
    if (!done) {
      await uploadFolder(
        session,
        { folder: await readStudyFolder(join(sampleFolder, folder, version)), study, version },
        output,
      )
    }
    const { status } = done ? { status: known } : await finishVersion(session, { study, version }, output)
    printReport(output, status)
    output.line()
    versions.push(status)
  }
  const change = { study, version: 'v4', dataset: 'lab_results', column: 'RESULT', type: 'string' }
  const refused = await tamperWithSchema(session.environment, change)
  output.line(
    refused.status === undefined
      ? 'A type that was changed by hand was taken. That must not be.'
      : `A type that was changed by hand is refused by the gate (HTTP ${refused.status}):`,
  )
  for (const line of formatProblems(refused.problems)) output.line(line)
  const asMeant = refused.status === 412 && versions.every(({ state }, index) => state === expected[index]!.state)
  return { versions, refused, asMeant }
}
