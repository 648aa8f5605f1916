import { decodeKey, type LandingMessage, type ObjectEvent } from '../../events/landing.ts'
import type { Environment } from '../environment.ts'
import { fits, parseLandingKey, studyRule, versionRule } from '../layout.ts'
import { nameCause } from './causes.ts'
import { readLandingState } from './landing-state.ts'
import { reportMisplaced } from './misplaced.ts'
import { queueWork } from './queue-work.ts'
import { sweepVersions, type VersionName } from './sweep.ts'

/** What the records of one message announce. */
interface Announced {
  /** By study/version: the datasets whose files came, or `all` where the event may concern every one. */
  versions: Map<string, VersionName & { datasets: Set<string> | 'all' }>
  studies: Set<string>
  /** Folders with a file that belongs to no version. */
  folders: Set<string>
}

/** A folder that is a version's, though the file in it may be misplaced. */
function versionOf(key: string): VersionName | undefined {
  const [study = '', version = '', ...rest] = key.split('/')
  return rest.length > 0 && fits(studyRule, study) && fits(versionRule, version) ? { study, version } : undefined
}

function sortRecords({ Records }: ObjectEvent): Announced {
  const announced: Announced = { versions: new Map(), studies: new Set(), folders: new Set() }
  for (const { s3 } of Records) {
    const key = decodeKey(s3.object.key)
    const parsed = parseLandingKey(key)
    if (parsed.kind === 'ignored') continue
    if (parsed.kind === 'study') {
      announced.studies.add(parsed.study)
      continue
    }
    const name = versionOf(key)
    if (!name) {
      if (parsed.kind === 'misplaced') announced.folders.add(parsed.folder)
      continue
    }
    const id = `${name.study}/${name.version}`
    const before = announced.versions.get(id)?.datasets ?? new Set<string>()
    const datasets = parsed.kind === 'dataset' && before !== 'all' ? before.add(parsed.dataset) : 'all'
    announced.versions.set(id, { ...name, datasets })
  }
  return announced
}

async function receiveObjects(environment: Environment, event: ObjectEvent): Promise<void> {
  const { versions, studies, folders } = sortRecords(event)
  // The whole event is the cause: one that is delivered twice is one cause, a second upload of the same bytes is another.
  const cause = nameCause(JSON.stringify(event.Records.map(({ eventTime, s3 }) => [eventTime, s3.object])))
  for (const folder of folders) await reportMisplaced(environment, folder)
  for (const study of studies) await sweepVersions(environment, { study, cause, everything: true })
  for (const { datasets, ...name } of versions.values()) {
    const state = await readLandingState(environment, name)
    await queueWork(environment, state, { cause }, datasets === 'all' ? {} : { datasets })
  }
}

/** The work of `receive`: object events and requests to look again become conversions, and looks whether a version is complete. */
export async function receiveMessage(environment: Environment, message: LandingMessage): Promise<void> {
  if ('Event' in message) return
  if (!('rescan' in message)) {
    await receiveObjects(environment, message)
    return
  }
  const { study, version, cause, settling } = message.rescan
  if (study === undefined || version === undefined) {
    await sweepVersions(environment, { study, cause, everything: true })
    return
  }
  const state = await readLandingState(environment, { study, version })
  await queueWork(environment, state, { cause, replay: settling ? undefined : cause })
}
