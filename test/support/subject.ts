import type { Environment } from '../../lib/environment.ts'
import { landingKey } from '../../lib/layout.ts'
import type { VersionStatus } from '../../lib/pipeline/status.ts'

/** The files of a version, or landing objects by key. */
export type Files = Record<string, Uint8Array | string>

/**
 * A running Studylake as its users meet it: files go in, and what becomes of them is seen. Whatever announces files, hands messages out and
 * runs the functions is the subject's own.
 */
export interface Subject {
  /** To look at what is there. What is put into its landing bucket is announced. */
  environment: Environment
  /** Waits until nothing is left to be done. Throws where that takes too long, or a message was given up. */
  settle(options?: { timeoutSeconds?: number }): Promise<void>
  /** Waits until a version is judged, and its report written. Throws where that takes too long, or a message was given up. */
  judge(study: string, version: string, options?: { timeoutSeconds?: number }): Promise<VersionStatus>
  /** All that was logged so far. */
  readLogs(): Promise<string[]>
}

export interface SubjectSuiteOptions {
  /** The subject, once it is up. */
  subject: () => Subject
}

/** Puts landing objects one after another. */
export async function put({ environment }: Pick<Subject, 'environment'>, objects: Files): Promise<void> {
  for (const [key, content] of Object.entries(objects)) await environment.landing.put(key, Buffer.from(content))
}

/** Uploads the files of a version, in the given order. */
export async function upload(
  { environment }: Pick<Subject, 'environment'>,
  {
    study,
    version,
    files,
    order = Object.keys(files),
  }: { study: string; version: string; files: Files; order?: string[] },
): Promise<void> {
  for (const file of order) await environment.landing.put(landingKey(study, version, file), Buffer.from(files[file]!))
}

/** The text of a landing object. */
export async function readLanded({ environment }: Subject, key: string): Promise<string> {
  return new TextDecoder().decode(await environment.landing.get(key))
}
