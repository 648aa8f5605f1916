import type { Environment } from '../environment.ts'
import { sha256 } from '../hash.ts'
import { equalIds, type Id, parseTableMetadata } from '../iceberg/metadata.ts'
import { stringifyJson } from '../json.ts'
import {
  address,
  datasetRule,
  fits,
  type Layer,
  metadataKey,
  parseTablePath,
  tablePath,
  tablesPrefix,
} from '../layout.ts'
import { putOnce } from '../store/put-once.ts'
import { createCache } from './cache.ts'
import type { Head } from './refs.ts'
import type { TableName } from './table-edit.ts'

/** Table metadata as clients get it. */
export interface StoredTable {
  /** The JSON document, digit for digit. */
  text: string
  /** Of the text. */
  sha256: string
}

export interface Tables {
  /** The table at that commit, or undefined. */
  read(head: Head, table: { layer: Layer; table: string }): Promise<StoredTable | undefined>
  /** Names of the layer's tables at that commit, in their order. */
  list(head: Head, layer: Layer): Promise<string[]>
  /** The layers that have tables at that commit. */
  listLayers(head: Head): Promise<Set<Layer>>
  /** Where the table's metadata lies in the lake: puts it there where somebody wrote the table's object by hand. */
  locate(name: Pick<TableName, 'study' | 'layer' | 'table'>, stored: StoredTable): Promise<string>
}

/** Characters of table metadata that are kept in memory. */
const textCapacity = 64 * 2 ** 20
/** Names of tables that are kept in memory. */
const nameCapacity = 200_000

/** Reads tables at commits. What is at a commit never changes: it is kept in memory, bounded. */
export function createTables({ lakefs, lake }: Pick<Environment, 'lakefs' | 'lake'>): Tables {
  const texts = createCache<StoredTable | undefined>({
    capacity: textCapacity,
    weigh: stored => stored?.text.length ?? 0,
  })
  const lists = createCache<string[]>({ capacity: nameCapacity, weigh: ({ length }) => length + 1 })
  const layerSets = createCache<Set<Layer>>({ capacity: 10_000 })
  const located = createCache<string>({ capacity: 100_000 })

  return {
    read({ study, commit }, { layer, table }) {
      const path = tablePath(layer, table)
      return texts.get(`${study}/${commit}/${path}`, async () => {
        const bytes = await lakefs.getObject(study, commit, path)
        if (!bytes) return undefined
        return { text: new TextDecoder().decode(bytes), sha256: sha256(bytes) }
      })
    },

    list({ study, commit }, layer) {
      return lists.get(`${study}/${commit}/${layer}`, async () => {
        const names: string[] = []
        for await (const { path } of lakefs.listObjects(study, commit, { prefix: `${tablesPrefix}${layer}/` })) {
          const name = parseTablePath(path)?.dataset
          if (name !== undefined && fits(datasetRule, name)) names.push(name)
        }
        return names
      })
    },

    listLayers({ study, commit }) {
      return layerSets.get(`${study}/${commit}`, async () => {
        const found = new Set<Layer>()
        const listing = lakefs.listObjects(study, commit, { prefix: tablesPrefix, delimiter: '/' })
        for await (const { path } of listing) {
          // Any name stands for those that lie there.
          const layer = parseTablePath(`${path}any.json`)?.layer
          if (layer !== undefined) found.add(layer)
        }
        return found
      })
    },

    locate({ study, layer, table }, { text, sha256: hash }) {
      const key = metadataKey(study, layer, table, hash)
      return located.get(key, async () => {
        if (!(await lake.head(key))) await putOnce(lake, key, new TextEncoder().encode(text))
        return address(lake.bucket, key)
      })
    },
  }
}

/** A document that was not read but made. */
export const storeText = (text: string): StoredTable => ({ text, sha256: sha256(text) })

/** The document without the snapshots that no branch or tag of the table refers to. Its history stays. */
export function keepReferenced(text: string): string {
  const metadata = parseTableMetadata(text)
  const current = metadata['current-snapshot-id']
  const wanted: Id[] = Object.values(metadata.refs ?? {}).map(ref => ref['snapshot-id'])
  if (current !== undefined && current !== null) wanted.push(current)
  const isWanted = (id: Id) => wanted.some(other => equalIds(other, id))
  const snapshots = metadata.snapshots?.filter(snapshot => isWanted(snapshot['snapshot-id']))
  return stringifyJson({ ...metadata, snapshots })
}
