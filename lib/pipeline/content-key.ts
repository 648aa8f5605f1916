import type { Config } from '../config.ts'
import type { Dataset } from '../fields.ts'
import { hashValue } from '../hash.ts'
import type { Entity } from '../keys/entities.ts'
import type { StudyOptions } from '../study-options.ts'

/** Raised whenever the same CSV and schema would give other bytes, or another outcome. */
export const converterVersion = 3

/** What a conversion depends on besides the CSV itself. */
export interface ConversionInputs {
  dataset: Dataset
  /** Those that the dataset holds. */
  entities: Entity[]
  options: Pick<StudyOptions, 'onBadValue' | 'encoding'>
  config: Pick<Config, 'rowGroupRows' | 'rowGroupBytes' | 'maxCellBytes'>
}

function recipeOf({ dataset, entities, options, config }: ConversionInputs) {
  return {
    converterVersion,
    fields: dataset.fields.map(({ id, name, type, nullable, format }) => ({ id, name, type, nullable, format })),
    entities,
    onBadValue: options.onBadValue,
    encoding: options.encoding,
    rowGroupRows: config.rowGroupRows,
    rowGroupBytes: config.rowGroupBytes,
    maxCellBytes: config.maxCellBytes,
  }
}

/**
 * The name of a conversion's result: a hash of all that decides its bytes, and of nothing else. Neither the landing path nor any time is part
 * of it, so the same CSV under the same schema has one result in all versions.
 */
export function contentKey(inputs: ConversionInputs, object: { etag: string; size: number }): string {
  return hashValue({ ...recipeOf(inputs), etag: object.etag, size: object.size })
}

/** The same by the CSV's SHA-256: equal for equal content also where a store's ETag is no content hash. */
export function contentAlias(inputs: ConversionInputs, sha256: string): string {
  return hashValue({ ...recipeOf(inputs), sha256 })
}

/**
 * The name of a base file: a raw file, the entities whose keys are added, and the keys that its natural keys have. The last are named too because
 * a repository that is made anew numbers anew, over a lake that still holds the older one's files.
 */
export function baseContentKey(
  rawContentKey: string,
  entities: Entity[],
  keyHashes: Record<string, string> = {},
): string {
  return hashValue({
    converterVersion,
    base: rawContentKey,
    entities: entities.map(({ name, naturalKey }) => ({ name, naturalKey, keys: keyHashes[name] })),
  })
}
