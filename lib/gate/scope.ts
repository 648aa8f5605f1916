import type { Environment } from '../environment.ts'
import { canonicalJson } from '../hash.ts'
import { parseJson } from '../json.ts'
import { contentsPath, deliveredLayers, keyTablesPrefix, parseTablePath, tablePath, versionPath } from '../layout.ts'
import { readKeyFiles } from './key-files.ts'
import type { Profile } from './profile.ts'
import { isDataFault, type Listing } from './view.ts'

/** Lists a ref: a branch with its staged changes, or a commit. */
export async function listRef({ lakefs }: Pick<Environment, 'lakefs'>, study: string, ref: string): Promise<Listing> {
  const listing = new Map<string, string>()
  for await (const item of lakefs.listObjects(study, ref))
    if (item.type !== 'common_prefix') listing.set(item.path, `${item.checksum} ${item.size}`)
  return listing
}

const isChanged = (path: string, { listing, parent }: Comparison): boolean => listing.get(path) !== parent.get(path)

export interface Comparison {
  study: string
  ref: string
  listing: Listing
  parentRef: string
  /** Of a commit that was found good by the same profile. */
  parent: Listing
}

/** What a document says by dataset, and of all of them, as canonical text. */
interface Parts {
  byDataset: Map<string, string>
  entities: string
}

/** Undefined where there is no such document that can be read. */
function readParts(bytes: Uint8Array | undefined, nameOf: string): Parts | undefined {
  try {
    const document = parseJson(new TextDecoder().decode(bytes)) as {
      datasets: Record<string, unknown>[]
      entities?: unknown
    }
    const byDataset = new Map(document.datasets.map(item => [String(item[nameOf]), canonicalJson(item)]))
    return { byDataset, entities: canonicalJson(document.entities ?? null) }
  } catch {
    return undefined
  }
}

/** Datasets of which a document says something else than at the parent; undefined = all, as more has changed than that. */
async function changedDatasets(
  { lakefs }: Pick<Environment, 'lakefs'>,
  comparison: Comparison,
  { path, nameOf }: { path: string; nameOf: string },
): Promise<Set<string> | undefined> {
  if (!isChanged(path, comparison)) return new Set()
  const { study, ref, parentRef } = comparison
  const now = readParts(await lakefs.getObject(study, ref, path), nameOf)
  const before = readParts(await lakefs.getObject(study, parentRef, path), nameOf)
  if (!now || !before || now.entities !== before.entities) return undefined
  const names = [...now.byDataset.keys(), ...before.byDataset.keys()]
  return new Set(names.filter(name => now.byDataset.get(name) !== before.byDataset.get(name)))
}

/** True where every key table holds what it held, and at most more. */
async function keysGoOn(environment: Pick<Environment, 'lakefs' | 'lake'>, comparison: Comparison): Promise<boolean> {
  const paths = [...comparison.listing.keys(), ...comparison.parent.keys()]
  if (!paths.some(path => path.startsWith(keyTablesPrefix) && isChanged(path, comparison))) return true
  const { study, ref, parentRef } = comparison
  const before = await readKeyFiles(environment, study, parentRef)
  let now: Map<string, string[]>
  try {
    now = await readKeyFiles(environment, study, ref)
  } catch (error) {
    // What is wrong with it is for the rules to say.
    if (isDataFault(error)) return false
    throw error
  }
  return [...before].every(([entity, files]) => files.every((address, at) => now.get(entity)?.[at] === address))
}

/**
 * The tables of a ref that have to be judged, given a good parent: those whose object is another than there and, where a version is judged, those of
 * which a counterpart is: raw and base of one dataset go together, with what contents and record say of it. Key tables are always judged; where
 * they go on from the parent's, keys which were right still are. Undefined = all.
 */
export async function findScope(
  environment: Pick<Environment, 'lakefs' | 'lake'>,
  comparison: Comparison,
  profile: Profile,
): Promise<Set<string> | undefined> {
  const changed = [...comparison.listing.keys()].filter(path => isChanged(path, comparison))
  if (profile === 'structure') return new Set(changed)
  const declared = await changedDatasets(environment, comparison, { path: contentsPath, nameOf: 'name' })
  const recorded = await changedDatasets(environment, comparison, { path: versionPath, nameOf: 'dataset' })
  if (!declared || !recorded) return undefined
  if (!(await keysGoOn(environment, comparison))) return undefined
  const gone = [...comparison.parent.keys()].filter(path => !comparison.listing.has(path))
  const touched = [...changed, ...gone].flatMap(path => parseTablePath(path) ?? [])
  const datasets = new Set([
    ...declared,
    ...recorded,
    ...touched.filter(({ layer }) => deliveredLayers.includes(layer)).map(({ dataset }) => dataset),
  ])
  const keyTables = [...comparison.listing.keys()].filter(path => path.startsWith(keyTablesPrefix))
  const pairs = [...datasets].flatMap(dataset => deliveredLayers.map(layer => tablePath(layer, dataset)))
  return new Set([...changed, ...keyTables, ...pairs])
}
