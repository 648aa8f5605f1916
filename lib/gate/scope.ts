import type { Environment } from '../environment.ts'
import { canonicalJson } from '../hash.ts'
import { parseJson } from '../json.ts'
import {
  contentsPath,
  deliveredLayers,
  gatePath,
  keyTablesPrefix,
  parseTablePath,
  tablePath,
  versionPath,
} from '../layout.ts'
import { mapConcurrently } from '../map-concurrently.ts'
import type { Changes } from './changes.ts'
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

/** A ref and the commit that it goes on from. */
export interface Comparison {
  study: string
  ref: string
  parentRef: string
  /** Of the ref, against the parent. */
  changes: Changes
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
  const { study, ref, parentRef, changes } = comparison
  if (!changes.has(path)) return new Set()
  const now = readParts(await lakefs.getObject(study, ref, path), nameOf)
  const before = readParts(await lakefs.getObject(study, parentRef, path), nameOf)
  if (!now || !before || now.entities !== before.entities) return undefined
  const names = [...now.byDataset.keys(), ...before.byDataset.keys()]
  return new Set(names.filter(name => now.byDataset.get(name) !== before.byDataset.get(name)))
}

/** True where every key table holds what it held, and at most more. */
async function keysGoOn(environment: Pick<Environment, 'lakefs' | 'lake'>, comparison: Comparison): Promise<boolean> {
  const { study, ref, parentRef, changes } = comparison
  if (![...changes.keys()].some(path => path.startsWith(keyTablesPrefix))) return true
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
 * The paths of a ref that have to be judged, given a good parent: those whose object is another than there and, where a version is judged, those of
 * which a counterpart is: raw and base of one dataset go together, with what contents and record say of it. Key tables, which are not among them, are
 * always judged; where they go on from the parent's, keys which were right still are. Undefined = all.
 */
export async function findScope(
  environment: Pick<Environment, 'lakefs' | 'lake'>,
  comparison: Comparison,
  profile: Profile,
): Promise<Set<string> | undefined> {
  const changed = [...comparison.changes.keys()]
  if (profile === 'structure') return new Set(changed)
  const declared = await changedDatasets(environment, comparison, { path: contentsPath, nameOf: 'name' })
  const recorded = await changedDatasets(environment, comparison, { path: versionPath, nameOf: 'dataset' })
  if (!declared || !recorded) return undefined
  if (!(await keysGoOn(environment, comparison))) return undefined
  const touched = changed.flatMap(path => parseTablePath(path) ?? [])
  const datasets = new Set([
    ...declared,
    ...recorded,
    ...touched.filter(({ layer }) => deliveredLayers.includes(layer)).map(({ dataset }) => dataset),
  ])
  const pairs = [...datasets].flatMap(dataset => deliveredLayers.map(layer => tablePath(layer, dataset)))
  return new Set([...changed, ...pairs])
}

/** Single objects that are looked for before a listing of all costs less. */
const mostLooks = 50
const looksAtOnce = 8

/** True where only the whole listing tells whether a table is another one once more: it may be one that its path did not hold before. */
function mayBeCopied(changes: Changes, { profile, isPromotion }: { profile: Profile; isPromotion: boolean }): boolean {
  return [...changes].some(([path, type]) => {
    const table = parseTablePath(path)
    if (!table || type === 'removed') return false
    // Of the others the rules of identity and of history say that each still is the table which it was.
    return type === 'added' || (table.layer === 'work' ? isPromotion : profile === 'structure')
  })
}

/**
 * What is there of a scope, from single looks: what they cost depends on what changed, not on how large the study is. Undefined where the
 * whole listing is needed, or costs less.
 */
export async function listScope(
  environment: Pick<Environment, 'lakefs'>,
  { study, ref, changes }: Comparison,
  { scope, profile, isPromotion }: { scope: Set<string>; profile: Profile; isPromotion: boolean },
): Promise<Listing | undefined> {
  const { lakefs } = environment
  const looks = [...scope].filter(path => !changes.has(path) && !path.startsWith(keyTablesPrefix))
  if (looks.length > mostLooks || mayBeCopied(changes, { profile, isPromotion })) return undefined
  // A ref without the gate may be one on which nothing is yet.
  if (changes.get(gatePath) === 'removed' || !(await lakefs.statObject(study, ref, gatePath))) return undefined
  const listing = new Map<string, string | undefined>([[gatePath, undefined]])
  for (const [path, type] of changes) if (type !== 'removed') listing.set(path, undefined)
  await mapConcurrently(looks, looksAtOnce, async path => {
    if (await lakefs.statObject(study, ref, path)) listing.set(path, undefined)
  })
  if (profile === 'full')
    for await (const { path } of lakefs.listObjects(study, ref, { prefix: keyTablesPrefix }))
      listing.set(path, undefined)
  return listing
}
