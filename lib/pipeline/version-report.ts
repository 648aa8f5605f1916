import type { Environment } from '../environment.ts'
import { NotFoundError } from '../errors.ts'
import { parseJson } from '../json.ts'
import { reportKey } from '../layout.ts'
import { type Report, reportSchema } from '../report.ts'
import type { LandingState } from './landing-state.ts'

/** The report that lies in the landing bucket, or undefined. One that cannot be read counts as none: it will be written anew. */
export async function readReport(
  { landing }: Pick<Environment, 'landing'>,
  study: string,
  version: string,
): Promise<Report | undefined> {
  try {
    const text = new TextDecoder().decode(await landing.get(reportKey(study, version)))
    return reportSchema.safeParse(parseJson(text)).data
  } catch (error) {
    if (error instanceof NotFoundError || (error instanceof Error && error.name === 'JsonError')) return undefined
    throw error
  }
}

/** Writes the report, unless the one that is there says the same but for the time. Resolves with the one that is there now. */
export async function writeReport(
  environment: Pick<Environment, 'landing' | 'now'>,
  content: Omit<Report, 'time' | 'seconds'>,
  newest: Date | undefined,
): Promise<Report> {
  const now = environment.now()
  const report: Report = {
    ...content,
    seconds: newest && Math.max(0, Math.round((now.getTime() - newest.getTime()) / 10) / 100),
    time: now.toISOString(),
  }
  const before = await readReport(environment, content.study, content.version)
  const substance = (of: Report) => JSON.stringify({ ...of, time: undefined, seconds: undefined })
  if (before && substance(before) === substance(reportSchema.parse(report))) return before
  const bytes = new TextEncoder().encode(`${JSON.stringify(report, undefined, 2)}\n`)
  await environment.landing.put(reportKey(content.study, content.version), bytes, { contentType: 'application/json' })
  return report
}

/** The members that every report on a version has. */
export function reportOn({ study, version, fingerprint, landing, missing, warnings }: LandingState) {
  return {
    study,
    version,
    fingerprint,
    landing,
    waitingFor: missing,
    warnings,
    datasets: [],
    entities: [],
    problems: [],
  }
}
