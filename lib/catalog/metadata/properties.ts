import { badRequest, quote } from './refuse.ts'

/**
 * What every table has, whatever its clients ask for. Data files are shared between versions: an engine that expires snapshots of one must not
 * delete them.
 */
export const fixedProperties: Record<string, string> = { 'gc.enabled': 'false' }

/** What a new table has where its maker does not say otherwise. */
export const newTableProperties: Record<string, string> = { 'write.format.default': 'parquet', ...fixedProperties }

// Engines show these as properties, and hand them back with the rest; what they say stands elsewhere in the metadata.
const reserved = new Set([
  'format-version',
  'uuid',
  'snapshot-count',
  'current-snapshot-id',
  'current-snapshot-summary',
  'current-snapshot-timestamp-ms',
  'current-schema',
  'default-partition-spec',
  'default-sort-order',
])
const folders = new Set([
  'write.data.path',
  'write.metadata.path',
  'write.object-storage.path',
  'write.folder-storage.path',
])

/** True for a property that clients may neither set nor remove. */
const isKept = (name: string) => reserved.has(name) || Object.hasOwn(fixedProperties, name)

/**
 * The properties of a client that are kept. Those that are fixed or reserved are left out in silence, for engines send them in lists that they were
 * given. Throws CatalogError BadRequestException for another format version, file format, or a folder outside what is allowed.
 */
export function acceptProperties(
  properties: Record<string, string>,
  isAllowedLocation: (address: string) => boolean,
): Record<string, string> {
  for (const [name, value] of Object.entries(properties)) {
    if (name === 'format-version') checkFormatVersion(Number(value))
    if (name === 'write.format.default' && value.toLowerCase() !== 'parquet') {
      throw badRequest(
        'the property write.format.default is parquet: no other format can be checked before it is served',
      )
    }
    if (folders.has(name) && !isAllowedLocation(value)) {
      throw badRequest(`the property ${name} must lie inside the table's own folders`)
    }
  }
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !isKept(name)))
}

/** The properties without those of that name, but for those that clients may not remove. */
export function removeProperties(properties: Record<string, string>, names: string[]): Record<string, string> {
  const gone = new Set(names.filter(name => !isKept(name)))
  return Object.fromEntries(Object.entries(properties).filter(([name]) => !gone.has(name)))
}

/** Throws CatalogError BadRequestException for every format version but 2. */
export function checkFormatVersion(version: number): void {
  if (version !== 2)
    throw badRequest(`tables here are of format version 2; version ${quote(String(version))} is not supported`)
}
