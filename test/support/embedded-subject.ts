import type { Platform } from '../../infra/local/platform.ts'
import { createLog } from '../../lib/log.ts'
import { type CommittedContent, readContent } from './committed-content.ts'
import { type Files, put, type Subject, upload } from './subject.ts'
import { finish, makeTemporaryFolder, openTestPlatform, settle } from './test-platform.ts'

/** The embedded platform as a subject. */
export function createEmbeddedSubject(platform: Platform, logs: readonly string[] = []): Subject {
  return {
    environment: platform.environment,
    settle: options => settle(platform, options),
    judge: (study, version, options) => finish(platform, study, version, options),
    readLogs: async () => [...logs],
  }
}

/** Opens an embedded platform of its own in a temporary folder, with all that it logs. */
export async function openEmbeddedSubject(): Promise<{ subject: Subject; close(): Promise<void> }> {
  const { folder, cleanUp } = await makeTemporaryFolder()
  const lines: string[] = []
  const log = createLog({ write: line => lines.push(line), now: () => new Date(), level: 'debug' })
  const platform = await openTestPlatform({ folder, log })
  return {
    subject: createEmbeddedSubject(platform, lines),
    async close() {
      await platform.close()
      await cleanUp()
    },
  }
}

export interface ExpectedVersion {
  version: string
  files: Files
}

/** What a platform that has nothing else to do makes of a study's versions that come one after another; `objects` are landed before them. */
export async function loadExpected(
  study: string,
  versions: readonly ExpectedVersion[],
  objects: Files = {},
): Promise<Record<string, CommittedContent>> {
  const { subject, close } = await openEmbeddedSubject()
  try {
    await put(subject, objects)
    const contents: Record<string, CommittedContent> = {}
    for (const { version, files } of versions) {
      await upload(subject, { study, version, files })
      const { state, report } = await subject.judge(study, version)
      if (state !== 'committed') throw new Error(`${study} ${version} is ${state}: ${JSON.stringify(report.problems)}`)
      contents[version] = await readContent(subject.environment, study, `${version}@`)
    }
    return contents
  } finally {
    await close()
  }
}
