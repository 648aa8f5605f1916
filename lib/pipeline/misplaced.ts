import type { Environment } from '../environment.ts'
import type { Problem } from '../errors.ts'
import { misplacedReportKey, parseLandingKey, reportFile } from '../layout.ts'

/** Says beside files that belong to no study or version why they are not loaded. */
export async function reportMisplaced({ landing, now, log }: Environment, folder: string): Promise<void> {
  const problems: Problem[] = []
  for await (const { key } of landing.list(folder ? `${folder}/` : '')) {
    const parsed = parseLandingKey(key)
    if (parsed.kind !== 'misplaced' || parsed.folder !== folder) continue
    problems.push({ code: 'file-misplaced', file: parsed.file, message: `is not loaded: ${parsed.reason}` })
  }
  // Whoever put them there has taken them away again.
  if (problems.length === 0) return
  const report = { status: 'rejected', problems, time: now().toISOString() }
  const bytes = new TextEncoder().encode(`${JSON.stringify(report, undefined, 2)}\n`)
  await landing.put(misplacedReportKey(folder), bytes, { contentType: 'application/json' })
  log.warn('files lie where no version is', { files: problems.length, report: reportFile })
}
