import { assignFieldIds } from '../contents/field-ids.ts'
import { parseContents } from '../contents/parse.ts'
import type { Environment } from '../environment.ts'
import { NotFoundError, PreconditionError, type Problem, Rejection, TransientError } from '../errors.ts'
import type { Contents, Dataset } from '../fields.ts'
import { hashValue } from '../hash.ts'
import { type Entity, entitiesOf, findKeyColumnClashes, findUnusedEntities, usualEntitiesOf } from '../keys/entities.ts'
import { contentsFile, landingPrefix, parseLandingKey, studyKey } from '../layout.ts'
import type { ObjectInfo, ObjectStore } from '../store/object-store.ts'
import { parseStudyOptions, type StudyOptions } from '../study-options.ts'
import { type ConversionInputs, contentKey } from './content-key.ts'

/** A declared dataset whose CSV is there. */
export interface LandedDataset {
  dataset: Dataset
  entities: Entity[]
  file: string
  object: ObjectInfo
  contentKey: string
  inputs: ConversionInputs
}

/** All that the landing bucket says of one version, at one look. */
export interface LandingState {
  study: string
  version: string
  /** Undefined while there is no contents file, or none that can be read. */
  contents?: Contents
  contentsObject?: ObjectInfo
  options: StudyOptions
  entities: Entity[]
  /** In contents order. */
  landed: LandedDataset[]
  /** Names of files that are declared, or needed, and not there. */
  missing: string[]
  /** What refuses the version before any value is looked at. */
  problems: Problem[]
  warnings: Problem[]
  /** When the newest object of the version was landed; undefined where there is none. */
  newest?: Date
  /** The same, the study's options counted too: when what is judged was last changed. */
  changed?: Date
  /** Names the landed objects alone, whatever the code makes of them. */
  landing: string
  /** Names these inputs: equal fingerprints mean equal committed content. */
  fingerprint: string
}

interface LandedFiles {
  objects: ObjectInfo[]
  contentsObject?: ObjectInfo
  /** By dataset. */
  csvs: Map<string, { file: string; object: ObjectInfo }>
  problems: Problem[]
  warnings: Problem[]
}

async function listFiles(landing: ObjectStore, study: string, version: string): Promise<LandedFiles> {
  const prefix = landingPrefix(study, version)
  const files: LandedFiles = { objects: [], csvs: new Map(), problems: [], warnings: [] }
  for await (const object of landing.list(prefix)) {
    const parsed = parseLandingKey(object.key)
    const file = object.key.slice(prefix.length)
    if (parsed.kind === 'ignored') continue
    files.objects.push(object)
    if (parsed.kind === 'contents') files.contentsObject = object
    else if (parsed.kind === 'dataset') {
      const other = files.csvs.get(parsed.dataset)
      if (other)
        files.problems.push({
          code: 'dataset-twice',
          file,
          message: `names the same dataset as ${other.file}: remove one of them`,
        })
      else files.csvs.set(parsed.dataset, { file, object })
    } else if (parsed.kind === 'misplaced') {
      const list = /\.csv$/i.test(file) ? files.problems : files.warnings
      list.push({ code: 'file-misplaced', file, message: `is not loaded: ${parsed.reason}` })
    }
  }
  return files
}

async function readOptional(landing: ObjectStore, key: string, ifMatch?: string): Promise<Uint8Array | undefined> {
  try {
    return await landing.get(key, { ifMatch })
  } catch (error) {
    if (error instanceof NotFoundError && ifMatch === undefined) return undefined
    if (error instanceof PreconditionError || error instanceof NotFoundError)
      throw new TransientError(`${key} changed while it was read`, { cause: error })
    throw error
  }
}

/** Two columns on one field id: the later one took another id, which a person who compares versions should know. */
function findIdCollisions(datasets: Dataset[]): Problem[] {
  return datasets.flatMap(({ name, fields }) =>
    assignFieldIds(fields).collisions.map(collision => ({
      code: 'field-id-collision',
      file: contentsFile,
      column: collision.name,
      message: `its field id in ${name} is not the one that the name alone gives: another column has that`,
    })),
  )
}

/** Runs a reading whose Rejection becomes problems of the version. */
function gather<T>(problems: Problem[], read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    problems.push(...error.problems)
    return undefined
  }
}

/**
 * Looks at one version's folder in the landing bucket. Nothing is remembered from earlier looks. Throws TransientError when an object changes
 * between being listed and being read.
 */
export async function readLandingState(
  { landing, config }: Pick<Environment, 'landing' | 'config'>,
  { study, version }: { study: string; version: string },
): Promise<LandingState> {
  const { objects, contentsObject, csvs, problems, warnings } = await listFiles(landing, study, version)
  const optionsObject = await landing.head(studyKey(study))
  const optionsBytes = optionsObject && (await readOptional(landing, optionsObject.key, optionsObject.etag))
  const options = gather(problems, () => parseStudyOptions(optionsBytes)) ?? parseStudyOptions(undefined)

  const contentsBytes = contentsObject && (await readOptional(landing, contentsObject.key, contentsObject.etag))
  const { encoding } = options
  const contents =
    contentsBytes && gather(problems, () => parseContents(contentsBytes, { file: contentsFile, encoding }))
  const datasets = contents?.datasets ?? []
  const entities = options.entities ?? usualEntitiesOf(datasets)
  problems.push(...findKeyColumnClashes(datasets, entities))
  if (contents) warnings.push(...findUnusedEntities(datasets, options.entities ?? []))
  warnings.push(...findIdCollisions(datasets))

  const landed: LandedDataset[] = []
  const missing: string[] = contentsObject ? [] : [contentsFile]
  for (const dataset of datasets) {
    const csv = csvs.get(dataset.name)
    if (!csv) {
      missing.push(`${dataset.name}.csv`)
      continue
    }
    const inputs = { dataset, entities: entitiesOf(dataset, entities), options, config }
    landed.push({ dataset, entities: inputs.entities, ...csv, contentKey: contentKey(inputs, csv.object), inputs })
  }
  if (contents) {
    const declared = new Set(datasets.map(({ name }) => name))
    for (const [dataset, { file }] of csvs) {
      if (declared.has(dataset)) continue
      problems.push({
        code: 'dataset-undeclared',
        file,
        message: `is not declared: add "${dataset}" to ${contentsFile}, or remove the file`,
      })
    }
  }
  const times = objects.map(({ lastModified }) => lastModified.getTime())
  return {
    study,
    version,
    contents,
    contentsObject,
    options,
    entities,
    landed,
    missing,
    problems,
    warnings,
    newest: times.length > 0 ? new Date(Math.max(...times)) : undefined,
    changed: times.length > 0 ? new Date(Math.max(...times, optionsObject?.lastModified.getTime() ?? 0)) : undefined,
    landing: hashValue({
      options: optionsObject?.etag,
      objects: objects.map(({ key, etag, size }) => [key, etag, size]),
    }),
    fingerprint: hashValue({
      study,
      version,
      contents: contents ?? contentsObject?.etag,
      options: options.promote,
      entities,
      landed: landed.map(item => [item.dataset.name, item.file, item.contentKey]),
      missing,
      problems,
    }),
  }
}
