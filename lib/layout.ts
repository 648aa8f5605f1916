/** Where everything lies: object keys, branch names, table paths. Nothing else in the project puts such a name together. */

/** `raw`, `base` and `keys` are what versions are made of; `work` holds the tables that people write through SQL engines. */
export type Layer = 'raw' | 'base' | 'keys' | 'work'
export const layers: readonly Layer[] = ['raw', 'base', 'keys', 'work']
/** The layers of which nothing is taken over from another version: every table of theirs is declared by the contents file. */
export const deliveredLayers: readonly Layer[] = ['raw', 'base']

/** The branch of the accepted state. */
export const mainBranch = 'main'
/** The branch of the authority: the study's key maps. */
export const keysBranch = 'keys'

export interface NameRule {
  pattern: RegExp
  /** Completes the sentence "… does not fit: ". */
  rule: string
}

export const studyRule: NameRule = {
  pattern: /^[a-z0-9][a-z0-9-]{2,62}$/,
  rule: 'a study is 3 to 63 lower-case letters, digits and hyphens, and starts with a letter or digit',
}
export const versionRule: NameRule = {
  pattern: /^(?!(?:main|keys)$)(?![0-9a-f]{64}$)[a-z0-9][-a-z0-9_]{0,63}$/,
  rule: 'a version is up to 64 lower-case letters, digits, hyphens and underscores, starts with a letter or digit, and is not main, keys or 64 hex digits',
}
export const datasetRule: NameRule = {
  // A file whose name starts with an underscore is ignored where it lands.
  pattern: /^[a-z][a-z0-9_]{0,127}$/,
  rule: 'a dataset is up to 128 letters, digits and underscores and starts with a letter',
}

export const fits = ({ pattern }: NameRule, name: string): boolean => pattern.test(name)

// ── landing bucket ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

/** What a landing object is, by its key. */
export type LandingKey =
  | { kind: 'dataset'; study: string; version: string; file: string; dataset: string }
  | { kind: 'contents'; study: string; version: string; file: string }
  | { kind: 'study'; study: string }
  | { kind: 'ignored' }
  | { kind: 'misplaced'; folder: string; file: string; reason: string }

export const contentsFile = 'contents.csv'
export const studyFile = 'study.json'
export const reportFile = '_report.json'

/** Reads a landing key. A last part that starts with `_` is ignored; what does not fit is `misplaced`, with the rule. */
export function parseLandingKey(key: string): LandingKey {
  const parts = key.split('/')
  const file = parts.at(-1)!
  const folder = parts.slice(0, -1).join('/')
  if (file.startsWith('_') || file === '') return { kind: 'ignored' }
  const misplaced = (reason: string): LandingKey => ({ kind: 'misplaced', folder, file, reason })
  const [study = '', version = ''] = parts
  if (parts.length === 2 && file === studyFile) {
    return fits(studyRule, study) ? { kind: 'study', study } : misplaced(studyRule.rule)
  }
  if (parts.length !== 3) return misplaced(`a file lies at <study>/<version>/<dataset>.csv, or at <study>/${studyFile}`)
  if (!fits(studyRule, study)) return misplaced(studyRule.rule)
  if (!fits(versionRule, version)) return misplaced(versionRule.rule)
  if (file === contentsFile) return { kind: 'contents', study, version, file }
  if (file.toLowerCase() === contentsFile)
    return misplaced(`the contents file is called ${contentsFile}, in lower case`)
  const dataset = /^(.+)\.csv$/i.exec(file)?.[1]?.toLowerCase()
  if (dataset === undefined) return misplaced('only .csv files are loaded')
  if (!fits(datasetRule, dataset)) return misplaced(datasetRule.rule)
  return { kind: 'dataset', study, version, file, dataset }
}

export const landingPrefix = (study: string, version: string): string => `${study}/${version}/`
export const landingKey = (study: string, version: string, file: string): string => `${study}/${version}/${file}`
export const studyKey = (study: string): string => `${study}/${studyFile}`
export const reportKey = (study: string, version: string): string => `${study}/${version}/${reportFile}`
/** The report on a file that belongs to no study or version lies beside it. */
export const misplacedReportKey = (folder: string): string => (folder ? `${folder}/${reportFile}` : reportFile)

// ── lake bucket ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

const dataFile = (suffix: string) => (study: string, layer: Layer, dataset: string, contentKey: string) =>
  `data/${study}/${layer}/${dataset}/${contentKey}${suffix}`
export const dataKey = dataFile('.parquet')
/** The record of a conversion: rows in, out, rejected, reasons and positions, no values. */
export const outcomeKey = dataFile('.outcome.json')
/** The distinct natural keys of one entity in a raw data file, in the order of their first rows. */
export const naturalKeysKey = (study: string, dataset: string, contentKey: string, entity: string): string =>
  `data/${study}/raw/${dataset}/${contentKey}.${entity}.keys.parquet`
/** Which content key first held this CSV content under this schema: for stores whose ETag is no content hash. */
export const contentAliasKey = (study: string, dataset: string, aliasHash: string): string =>
  `data/${study}/raw/${dataset}/${aliasHash}.alias.json`
export const metadataKey = (study: string, layer: Layer, dataset: string, sha256: string): string =>
  `metadata/${study}/${layer}/${dataset}/${sha256}.metadata.json`
export const manifestKey = (study: string, layer: Layer, dataset: string, sha256: string): string =>
  `metadata/${study}/${layer}/${dataset}/${sha256}-m.avro`
export const manifestListKey = (study: string, layer: Layer, dataset: string, sha256: string): string =>
  `metadata/${study}/${layer}/${dataset}/${sha256}-snap.avro`
/** Where all that a study's tables refer to lies: data files below the first, and manifests below either. */
export const tableFilePrefixes = (study: string): string[] => [`data/${study}/`, `metadata/${study}/`]
/** The Iceberg table's own location. */
export const tableLocationKey = (study: string, layer: Layer, dataset: string): string =>
  `data/${study}/${layer}/${dataset}`
/** That files which never change were judged and found good. */
export const verdictKey = (study: string, hash: string): string => `attest/${study}/files/${hash}.json`
export const attestationKey = (study: string, commit: string): string => `attest/${study}/${commit}.json`
/** What was found wrong with a head that came about without the gate. */
export const unattestedKey = (study: string, commit: string): string => `attest/${study}/unattested/${commit}.json`
/** That a branch is, or was, a version: known even where its record was taken away. */
export const versionMarkerKey = (study: string, branch: string): string => `attest/${study}/versions/${branch}.json`
/** Why a message failed the last time. `queue` is the full name of the queue that it was read from. */
export const failureKey = (queue: string, messageId: string): string => `failures/${queue}/${messageId}.json`
/** lakeFS's own storage. `attempt` counts from 1: a namespace that was begun by a creation which did not end is never lawful again. */
export const storageNamespaceKey = (study: string, attempt: number): string => `lakefs/${study}/${attempt}`

export const address = (bucket: string, key: string): string => `s3://${bucket}/${key}`
/** The key of an address in that bucket, or undefined where the address lies elsewhere. */
export function keyOfAddress(bucket: string, location: string): string | undefined {
  const match = /^s3a?:\/\/([^/]+)\/(.*)$/s.exec(location)
  return match && match[1] === bucket ? match[2] : undefined
}

// ── lakeFS repository ───────────────────────────────────────────────────────────────────────────────────────────────────────────

export const gatePath = '_lakefs_actions/gate.yaml'
export const contentsPath = 'study/contents.json'
export const versionPath = 'study/version.json'
export const tablesPrefix = 'tables/'
export const keyTablesPrefix = 'tables/keys/'
export const tablePath = (layer: Layer, dataset: string): string => `tables/${layer}/${dataset}.json`

/** The layer and dataset of a table object's path, or undefined where it is none. */
export function parseTablePath(path: string): { layer: Layer; dataset: string } | undefined {
  const match = /^tables\/(raw|base|keys|work)\/([a-z_][a-z0-9_]*)\.json$/.exec(path)
  return match ? { layer: match[1] as Layer, dataset: match[2]! } : undefined
}

/** The hidden branch of one run. `run` is 12 hex digits. */
export const runBranch = (version: string, run: string): string => `_${version}-${run}`
/** The hidden branch by which the gate comes to a new repository. */
export const installBranch = '_install'
/** The hidden branch on which keys are allocated. */
export const allocationBranch = (run: string): string => `_keys-${run}`
/**
 * The hidden branch on which one commit that came through the catalog is prepared. Its name says since when it is there. `suffix` is 8 hex digits,
 * which tells it from the 12 of a version's run, whatever the version is called.
 */
export const sqlBranch = (time: Date, suffix: string): string =>
  `${sqlBranchPrefix}${time.getTime().toString(36)}-${suffix}`
export const sqlBranchPrefix = '_sql-'
/** Since when such a branch is there, or undefined where the name is that of another branch. */
export function parseSqlBranch(branch: string): Date | undefined {
  const match = /^_sql-([0-9a-z]{1,10})-[0-9a-f]{8}$/.exec(branch)
  return match ? new Date(Number.parseInt(match[1]!, 36)) : undefined
}
/** The surrogate-key column of an entity. */
export const keyColumn = (entity: string): string => `${entity}_key`
/** The last column of every key table. */
export const firstVersionColumn = 'first_version'
