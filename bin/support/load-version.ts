import type { DeadLetters } from '../../infra/local/queues.ts'
import { inspectVersion, type VersionStatus } from '../../lib/pipeline/status.ts'
import { count, formatCount, type Output } from './output.ts'
import type { Session } from './session.ts'
import { landingUploads, type StudyFolder } from './study-folder.ts'

/** Uploads a study's folder as a version. Resolves with the number of files. */
export async function uploadFolder(
  session: Session,
  { folder, study, version }: { folder: StudyFolder; study: string; version: string },
  output: Output,
): Promise<number> {
  const uploads = landingUploads(folder, study, version)
  for (const [index, { key, file }] of uploads.entries()) {
    const size = file.size >= 2 ** 20 ? ` (${formatCount(Math.round(file.size / 2 ** 20))} MB)` : ''
    output.progress(`uploading ${file.name}${size}, ${index + 1} of ${uploads.length}`)
    await session.upload(key, file.path)
  }
  output.clear()
  return uploads.length
}

/** Waits until all work is done, with a remark on how long it takes, and looks at what became of a version. */
export async function finishVersion(
  session: Session,
  { study, version }: { study: string; version: string },
  output: Output,
): Promise<{ status: VersionStatus; deadLetters: DeadLetters[] }> {
  const start = performance.now()
  const tell = () => {
    const seconds = Math.round((performance.now() - start) / 1000)
    output.progress(`loading ${study} ${version}${seconds > 1 ? `, ${count(seconds, 'second')}` : ''} …`)
  }
  tell()
  const timer = setInterval(tell, 1000)
  try {
    const deadLetters = await session.finish()
    return { status: await inspectVersion(session.environment, study, version), deadLetters }
  } finally {
    clearInterval(timer)
    output.clear()
  }
}
