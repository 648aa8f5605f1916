import type { ConvertMessage } from '../../events/work.ts'
import { convertCsv, type DecodedCsv } from '../convert/convert-csv.ts'
import { readAhead } from '../convert/read-ahead.ts'
import type { Environment } from '../environment.ts'
import { NotFoundError, PreconditionError, type Problem, Rejection, TransientError } from '../errors.ts'
import type { CollectedKeys } from '../keys/collect.ts'
import { contentAliasKey, dataKey, naturalKeysKey } from '../layout.ts'
import { writeParquetFile } from '../parquet/write.ts'
import type { ObjectInfo, ObjectStore } from '../store/object-store.ts'
import { putOnce } from '../store/put-once.ts'
import { nameCause } from './causes.ts'
import { contentAlias } from './content-key.ts'
import { type LandedDataset, readLandingState } from './landing-state.ts'
import { type Outcome, readOutcome, writeOutcome } from './outcome.ts'

/** Bytes of a CSV that are taken from the store before they are asked for: so that it need not wait while a part is encoded. */
const readAheadBytes = 4 * 2 ** 20

function findMissingKeys(file: string, collected: CollectedKeys[]): Problem[] {
  return collected
    .filter(({ entity, nullRows }) => entity.required && nullRows > 0)
    .map(({ entity, fields, nullRows, firstNullRow }) => ({
      code: 'key-missing',
      file,
      row: firstNullRow,
      column: fields.map(({ name }) => name).join(', '),
      message: `the natural key of "${entity.name}" is empty, and study.json requires it`,
      ...(nullRows > 1 && { more: nullRows - 1 }),
    }))
}

interface Conversion {
  decoded?: DecodedCsv
  parquetBytes: number
}

/** The bytes of a landing object as it was listed. Throws TransientError where it has changed since. */
async function openLanded(landing: ObjectStore, { key, etag }: ObjectInfo): Promise<AsyncIterable<Uint8Array>> {
  try {
    return (await landing.stream(key, { ifMatch: etag })).body
  } catch (error) {
    if (!(error instanceof PreconditionError || error instanceof NotFoundError)) throw error
    throw new TransientError(`${key} changed while it was read`, { cause: error })
  }
}

/** Streams the CSV into Parquet. Throws Rejection when the file may not become a table; then no Parquet is left. */
async function streamToParquet(
  { landing, lake, config }: Environment,
  study: string,
  { dataset, entities, file, object, contentKey, inputs }: LandedDataset,
  conversion: Conversion,
): Promise<void> {
  const { body, result } = convertCsv({
    body: readAhead(await openLanded(landing, object), { most: readAheadBytes, sizeOf: piece => piece.length }),
    size: object.size,
    file,
    fields: dataset.fields,
    encoding: inputs.options.encoding,
    onBadValue: inputs.options.onBadValue,
    maxCellBytes: config.maxCellBytes,
    rowGroupRows: config.rowGroupRows,
    rowGroupBytes: config.rowGroupBytes,
    entities,
    accept(decoded) {
      conversion.decoded = decoded
      const { rowsRejected, problems, keys } = decoded
      const refusals = [...(rowsRejected > 0 ? problems : []), ...findMissingKeys(file, keys)]
      if (refusals.length > 0) throw new Rejection(refusals)
    },
  })
  // One row group is encoded while another is sent.
  const ahead = readAhead(body, { most: 1, sizeOf: () => 1 })
  await putOnce(lake, dataKey(study, 'raw', dataset.name, contentKey), ahead)
  conversion.parquetBytes = result().parquet.bytes
}

async function writeNaturalKeys(
  { lake }: Environment,
  study: string,
  item: LandedDataset,
  collected: CollectedKeys[],
): Promise<void> {
  for (const { entity, fields, batches } of collected) {
    const { bytes } = await writeParquetFile(fields, batches)
    await putOnce(lake, naturalKeysKey(study, item.dataset.name, item.contentKey, entity.name), bytes)
  }
}

function outcomeOf(
  item: LandedDataset,
  { decoded, parquetBytes }: Conversion,
  problems: Problem[] | undefined,
): Outcome {
  return {
    status: problems ? 'rejected' : 'converted',
    contentKey: item.contentKey,
    file: item.file,
    rowsIn: decoded?.rowsIn ?? 0,
    rowsOut: decoded?.rowsOut ?? 0,
    rowsRejected: decoded?.rowsRejected ?? 0,
    valuesNulled: decoded?.valuesNulled ?? 0,
    problems: problems ?? decoded?.problems ?? [],
    sha256: decoded?.sha256,
    csvBytes: item.object.size,
    parquetBytes,
    entities: (decoded?.keys ?? []).map(({ entity, distinct, nullRows }) => ({
      entity: entity.name,
      distinct,
      nullRows,
    })),
  }
}

async function convert(environment: Environment, study: string, item: LandedDataset): Promise<Outcome> {
  const { lake } = environment
  const conversion: Conversion = { parquetBytes: 0 }
  let problems: Problem[] | undefined
  try {
    await streamToParquet(environment, study, item, conversion)
  } catch (error) {
    if (!(error instanceof Rejection)) throw error
    problems = error.problems
  }
  const outcome = outcomeOf(item, conversion, problems)
  if (!problems) {
    await writeNaturalKeys(environment, study, item, conversion.decoded!.keys)
    const alias = contentAliasKey(study, item.dataset.name, contentAlias(item.inputs, outcome.sha256!))
    await putOnce(lake, alias, new TextEncoder().encode(JSON.stringify({ contentKey: item.contentKey })))
  }
  await writeOutcome(lake, { study, dataset: item.dataset.name, outcome })
  return outcome
}

/**
 * The work of `convert`: one CSV, as it lies in the landing bucket now, becomes a Parquet file with the distinct natural keys beside it and an
 * outcome. Where the outcome is there already nothing is read. Hands on to `register` in every case.
 */
export async function convertDataset(environment: Environment, message: ConvertMessage): Promise<void> {
  const { lake, queues, log } = environment
  const { study, version, cause, replay } = message
  const state = await readLandingState(environment, message)
  const item = state.landed.find(({ dataset }) => dataset.name === message.dataset)
  if (item) {
    const known = await readOutcome(lake, { study, dataset: item.dataset.name, contentKey: item.contentKey })
    const { status, rowsIn, rowsOut, parquetBytes } = known ?? (await convert(environment, study, item))
    log.info(known ? 'conversion is there already' : 'converted', {
      dataset: message.dataset,
      status,
      rowsIn,
      rowsOut,
      parquetBytes,
    })
  }
  await queues.register.send([
    {
      body: JSON.stringify({ study, version, cause, replay }),
      groupId: `${study}/${version}`,
      deduplicationId: nameCause(message.dataset, item?.contentKey, cause),
    },
  ])
}
