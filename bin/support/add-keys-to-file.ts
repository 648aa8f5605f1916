import { constants, existsSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { copyFile, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Field } from '../../lib/fields.ts'
import { appendKeys, type KeyedEntity } from '../../lib/keys/append-keys.ts'
import { baseFields } from '../../lib/keys/base-fields.ts'
import { type Entity, entitiesOf, naturalKeyFields, usualEntitiesOf } from '../../lib/keys/entities.ts'
import { createPartPool, KnownKeys } from '../../lib/keys/known-keys.ts'
import type { MapFile } from '../../lib/keys/map-file.ts'
import { takeIndexed } from '../../lib/keys/take-rows.ts'
import { keyColumn } from '../../lib/layout.ts'
import { readFooterOf } from '../../lib/parquet/footer.ts'
import { footerFields, topLevelElements } from '../../lib/parquet/schema.ts'
import { CommandError, UsageError } from './failure.ts'
import { type LocalFile, openLocalFile } from './local-file.ts'
import { showPath } from './paths.ts'

/** What became of one entity's keys. */
export interface KeyedReport {
  entity: string
  naturalKey: string[]
  column: string
  /** Natural keys in the map before, where there is one, and those that the file brought. */
  known: number
  added: number
  /** Rows with a null part: their key is null. */
  nullRows: number
  /** Of the column: bytes in all, and of them those taken over from the natural key's. */
  bytes: number
  reusedBytes: number
}

export interface KeysReport {
  rows: number
  rowGroups: number
  keys: KeyedReport[]
  /** `encoded` was made here, `reused` and `copied` were taken as they are; the kernel copies. */
  bytes: { read: number; encoded: number; reused: number; copied: number; written: number }
  copyMs: number
}

/**
 * Writes `base`: the bytes of `raw` and its key columns. With `map` the keys go on from that file's, which gets the new ones; without, they begin
 * at 1. Files are written aside and renamed. Throws CommandError, UsageError and Rejection.
 */
export async function addKeysToFile({
  raw: rawPath,
  base,
  map: mapPath,
  entities: declared,
}: {
  raw: string
  base: string
  map?: string | undefined
  /** Undefined: the usual ones. */
  entities?: Entity[] | undefined
}): Promise<KeysReport> {
  const raw = openLocalFile(rawPath)
  const aside = `${join(dirname(base), `.${basename(base)}`)}.${process.pid}.tmp`
  let unlock = () => {}
  let copied: Promise<number> | undefined
  try {
    checkPaths(raw, { base, map: mapPath })
    const metadata = await readFooterOf(raw, raw.info.size)
    const found = footerFields(metadata)
    const elements = topLevelElements(metadata)
    const fields = found.flatMap(({ id, name, type, nullable }): Field[] =>
      type ? [{ id: id ?? 0, name, type, nullable }] : [],
    )
    const entities = chooseEntities(raw, fields, declared)
    copied = timeCopy(rawPath, aside)
    // Waited for below, whatever happens in between.
    copied.catch(() => undefined)
    if (mapPath) unlock = lock(mapPath)
    const map = mapPath ? await loadMap(mapPath) : undefined

    const naturalKeys = entities.map(entity => naturalKeyFields({ fields }, entity)!)
    const read = [...new Set(naturalKeys.flat())]
    const pool = createPartPool()
    const keyFields = baseFields(fields, entities).slice(fields.length)
    const sections = await openSections(map, { raw, entities, naturalKeys, pool })
    const keyed = entities.map((_, at): KeyedEntity => {
      const { known, add } = sections[at]!
      return {
        field: keyFields[at]!,
        parts: naturalKeys[at]!.map(field => read.indexOf(field)),
        known,
        onFresh({ columns, fresh }) {
          if (add)
            add(
              columns.map(column => takeIndexed(column, fresh)),
              fresh.length,
            )
          else known.allocate()
        },
      }
    })
    const { append, counts, rows } = await appendKeys({
      source: raw,
      metadata,
      sourceSize: raw.info.size,
      columns: read.map(field => ({ field, ...elements[found.findIndex(({ name }) => name === field.name)]! })),
      entities: keyed,
    })
    for (const [at, { name, required }] of entities.entries())
      if (required && counts[at]!.nullRows > 0)
        throw new CommandError(
          `${raw.subject}: ${counts[at]!.nullRows} rows have no whole natural key of ${name}, which is required`,
        )
    const copyMs = await copied
    await appendTo(aside, raw, append)
    if (map && mapPath && keyed.some(({ known }, at) => known.count > sections[at]!.before)) await saveMap(map, mapPath)
    renameSync(aside, base)
    const reused = counts.reduce((sum, { reusedBytes }) => sum + reusedBytes, 0)
    return {
      rows,
      rowGroups: metadata.row_groups.length,
      keys: entities.map(({ name, naturalKey }, at) => ({
        entity: name,
        naturalKey,
        column: keyColumn(name),
        known: sections[at]!.before,
        added: sections[at]!.known.count - sections[at]!.before,
        ...counts[at]!,
      })),
      bytes: {
        read: raw.bytesRead(),
        encoded: append.length - reused,
        reused,
        copied: raw.info.size,
        written: raw.info.size + append.length,
      },
      copyMs,
    }
  } finally {
    await copied?.catch(() => undefined)
    rmSync(aside, { force: true })
    unlock()
    raw.close()
  }
}

/** What is read must not be written over. */
function checkPaths(raw: LocalFile, { base, map }: { base: string; map?: string | undefined }): void {
  const out = existsSync(base) ? statSync(base) : undefined
  if (out && isSame(out, raw.info))
    throw new UsageError(`--out ${showPath(base)} is the file that is read; name another one`)
  if (out?.isDirectory()) throw new UsageError(`--out ${showPath(base)} is a folder; name a file`)
  if (map === undefined) return
  const mapInfo = existsSync(map) ? statSync(map) : undefined
  if (mapInfo && isSame(mapInfo, raw.info)) throw new UsageError(`--keys ${showPath(map)} is the file that is read`)
  if (map === base || (mapInfo && out && isSame(mapInfo, out)))
    throw new UsageError(`--keys and --out are both ${showPath(base)}`)
}

const isSame = (a: { dev: number; ino: number }, b: { dev: number; ino: number }): boolean =>
  a.dev === b.dev && a.ino === b.ino

function chooseEntities({ subject }: LocalFile, fields: Field[], declared: Entity[] | undefined): Entity[] {
  const dataset = { name: 'dataset', fields }
  for (const { name, naturalKey } of declared ?? []) {
    const missing = naturalKey.find(key => !fields.some(field => field.name.toLowerCase() === key.toLowerCase()))
    if (missing !== undefined)
      throw new CommandError(
        `${subject} has no column ${missing} for the natural key of ${name}; it has ${fields.map(field => field.name).join(', ')}`,
      )
  }
  const entities = declared ?? entitiesOf(dataset, usualEntitiesOf([dataset]))
  if (entities.length === 0)
    throw new CommandError(
      `${subject} has no column by which patients, visits or sites are usually told; name them with --entity patient=COLUMN`,
    )
  for (const { name } of entities)
    if (fields.some(field => field.name.toLowerCase() === keyColumn(name)))
      throw new CommandError(`${subject} has a column ${keyColumn(name)} already`)
  return entities
}

async function timeCopy(from: string, to: string): Promise<number> {
  const begun = performance.now()
  await copyFile(from, to, constants.COPYFILE_FICLONE)
  return performance.now() - begun
}

/** Throws CommandError where the source is not any more what its footer was read of. */
async function appendTo(path: string, raw: LocalFile, append: Uint8Array): Promise<void> {
  const { size, mtimeMs } = statSync(raw.path)
  const file = await open(path, 'r+')
  try {
    if (size !== raw.info.size || mtimeMs !== raw.info.mtimeMs || (await file.stat()).size !== size)
      throw new CommandError(`${raw.subject} was changed while it was read; try again`)
    await file.write(append, 0, append.length, size)
  } finally {
    await file.close()
  }
}

/** Two that extend one map at once would give one key twice. */
function lock(mapPath: string): () => void {
  const path = `${mapPath}.lock`
  try {
    writeFileSync(path, `${process.pid}\n`, { flag: 'wx' })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new CommandError(`${showPath(path)} cannot be written: ${(cause as Error).message}`, { cause })
    throw new CommandError(
      `${showPath(mapPath)} is in use by another run; where there is none, remove ${showPath(path)}`,
      { cause },
    )
  }
  return () => rmSync(path, { force: true })
}

async function loadMap(path: string): Promise<MapFile> {
  if (!existsSync(path)) return { file: showPath(path), sections: [] }
  const { readMapFile } = await import('../../lib/keys/map-file.ts')
  const file = openLocalFile(path)
  try {
    return await readMapFile(file, await readFooterOf(file, file.info.size))
  } finally {
    file.close()
  }
}

interface OpenSection {
  known: KnownKeys
  before: number
  /** Takes new natural keys, and gives them keys. */
  add?: (
    columns: Parameters<ReturnType<typeof import('../../lib/keys/map-file.ts').openSection>['add']>[0],
    rows: number,
  ) => void
}

async function openSections(
  map: MapFile | undefined,
  {
    raw,
    entities,
    naturalKeys,
    pool,
  }: { raw: LocalFile; entities: Entity[]; naturalKeys: Field[][]; pool: ReturnType<typeof createPartPool> },
): Promise<OpenSection[]> {
  const open = map && (await import('../../lib/keys/map-file.ts')).openSection
  return entities.map(({ name, naturalKey }, at) => {
    const known = new KnownKeys(pool(naturalKey))
    if (!map || !open) return { known, before: 0 }
    return { known, ...open(map, { entity: name, naturalKey: naturalKeys[at]!, known, source: raw.subject }) }
  })
}

async function saveMap(map: MapFile, path: string): Promise<void> {
  const { writeMapFile } = await import('../../lib/keys/map-file.ts')
  const aside = `${join(dirname(path), `.${basename(path)}`)}.${process.pid}.tmp`
  try {
    const file = await open(aside, 'w')
    try {
      await file.write(await writeMapFile(map))
      // The map is what makes keys last: it must be whole before it takes the old one's place.
      await file.sync()
    } finally {
      await file.close()
    }
    renameSync(aside, path)
  } finally {
    rmSync(aside, { force: true })
  }
}
