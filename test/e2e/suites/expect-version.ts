import { expect } from 'vitest'
import type { Report } from '../../../lib/report.ts'
import type { CommittedContent } from '../../support/committed-content.ts'
import { loadExpected } from '../../support/embedded-subject.ts'
import { smallStudy } from '../../support/small-study.ts'
import type { Subject } from '../../support/subject.ts'

/** Waits until a version is judged, and expects it to be committed. */
export async function expectCommitted(
  subject: Subject,
  study: string,
  version: string,
  options?: { timeoutSeconds?: number },
): Promise<Report> {
  const { state, report } = await subject.judge(study, version, options)
  expect(state, JSON.stringify(report.problems)).toBe('committed')
  return report
}

let small: Promise<CommittedContent> | undefined

/** What the small study is when it is loaded as `v1`, whatever it is called. */
export function loadExpectedSmallStudy(): Promise<CommittedContent> {
  small ??= loadExpected('expected', [{ version: 'v1', files: smallStudy }]).then(({ v1 }) => v1!)
  return small
}
