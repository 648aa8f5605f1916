import { afterAll, beforeAll } from 'vitest'
import { openEmbeddedSubject } from '../support/embedded-subject.ts'
import type { Subject } from '../support/subject.ts'

/** An embedded platform for the tests of a file. */
export function useEmbedded(): () => Subject {
  let opened: Awaited<ReturnType<typeof openEmbeddedSubject>> | undefined
  beforeAll(async () => {
    opened = await openEmbeddedSubject()
  })
  afterAll(() => opened?.close())
  return () => opened!.subject
}
