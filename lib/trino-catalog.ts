/** How Trino is told of the SQL catalog: the properties of a Trino catalog, as a statement and as a file. */

/** An object store that Trino reads and writes itself; all missing = S3 with Trino's own role. */
export interface TrinoObjectStore {
  endpoint?: string
  region?: string
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

export interface TrinoCatalogOptions {
  /** Of the Iceberg REST catalog, as Trino reaches it. */
  url: string
  /** Its bearer token. */
  token: string
  objectStore?: TrinoObjectStore
}

/**
 * The properties of a Trino catalog over the Iceberg REST catalog, by name, without the connector's.
 * https://trino.io/docs/current/object-storage/metastores.html#rest-catalog
 * https://trino.io/docs/current/object-storage/file-system-s3.html
 */
export function trinoCatalogProperties({ url, token, objectStore = {} }: TrinoCatalogOptions): Record<string, string> {
  const { endpoint, region, credentials } = objectStore
  return {
    'iceberg.catalog.type': 'rest',
    'iceberg.rest-catalog.uri': url,
    'iceberg.rest-catalog.security': 'OAUTH2',
    'iceberg.rest-catalog.oauth2.token': token,
    // A layer is a namespace below that of its ref.
    'iceberg.rest-catalog.nested-namespace-enabled': 'true',
    'fs.native-s3.enabled': 'true',
    // What stands in for S3 has no host name for each bucket.
    ...(endpoint === undefined ? {} : { 's3.endpoint': endpoint, 's3.path-style-access': 'true' }),
    ...(region === undefined ? {} : { 's3.region': region }),
    ...(credentials === undefined
      ? {}
      : { 's3.aws-access-key': credentials.accessKeyId, 's3.aws-secret-key': credentials.secretAccessKey }),
  }
}

/** A name as SQL quotes it. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`
/** A text as SQL quotes it. */
export const quoteText = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** The statement that makes the catalog where it is missing; Trino takes it with `catalog.management=dynamic`. */
export function formatCreateCatalog(name: string, options: TrinoCatalogOptions): string {
  const lines = Object.entries(trinoCatalogProperties(options)).map(
    ([key, value]) => `  ${quoteName(key)} = ${quoteText(value)}`,
  )
  return `CREATE CATALOG IF NOT EXISTS ${quoteName(name)} USING iceberg WITH (\n${lines.join(',\n')}\n)`
}

/** The lines of `etc/catalog/<name>.properties`, for a Trino whose catalogs are files. */
export function formatCatalogProperties(options: TrinoCatalogOptions): string {
  return Object.entries({ 'connector.name': 'iceberg', ...trinoCatalogProperties(options) })
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}
