import { expect } from 'vitest'
import type { Landing } from '../../infra/stack/servers.ts'
import type { Stack } from '../../infra/stack/stack.ts'
import { expectCommitted, loadExpectedSmallStudy } from '../e2e/suites/expect-version.ts'
import { readContent } from '../support/committed-content.ts'
import { smallStudy } from '../support/small-study.ts'
import { type SubjectSuiteOptions, upload } from '../support/subject.ts'

/** For suites that need the stack's own processes and queues. */
export interface StackSuiteOptions extends SubjectSuiteOptions {
  landing: Landing
  /** The stack, once it is up. */
  stack: () => Stack
}

/** A version of the small study; its content does not depend on what the study is called. */
export const version = 'v1'

export const landSmallStudy = ({ subject }: StackSuiteOptions, study: string): Promise<void> =>
  upload(subject(), { study, version, files: smallStudy })

/** What a stack must hold of the small study, whatever has happened to it. */
export async function expectSmallStudy(
  { subject }: StackSuiteOptions,
  study: string,
  options?: { timeoutSeconds?: number },
): Promise<void> {
  await expectCommitted(subject(), study, version, options)
  expect(await readContent(subject().environment, study, `${version}@`)).toEqual(await loadExpectedSmallStudy())
}

export type FunctionName = 'Receive' | 'Convert' | 'Register' | 'AssignKeys' | 'AddKeys' | 'Commit'

/** The messages of the queue that feeds a function, or of its dead-letter queue: waiting, delayed and in flight. */
export async function countMessages(
  stack: Stack,
  name: FunctionName,
  kind: 'Queue' | 'DeadLetterQueue' = 'Queue',
): Promise<number> {
  const queue = new URL(stack.outputs[`${name}${kind}Url`]!).pathname.split('/').at(-1)
  return (await stack.depths()).find(depth => depth.queue === queue)!.count
}
