import type { Problem } from '../errors.ts'
import { verifyMetadata } from '../iceberg/verify-metadata.ts'
import {
  contentsPath,
  gatePath,
  keyOfAddress,
  parseTablePath,
  tableFilePrefixes,
  tablesPrefix,
  versionPath,
} from '../layout.ts'
import type { StudyView, TableView } from './view.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** True where an address is a plain path within what is the study's own. */
export function isOwn({ study, bucket }: Pick<StudyView, 'study' | 'bucket'>, address: string): boolean {
  const key = keyOfAddress(bucket, address)
  if (key === undefined || key.split('/').some(part => part === '' || part === '.' || part === '..')) return false
  return tableFilePrefixes(study).some(prefix => key.startsWith(prefix))
}

/** Nothing that a table refers to is another study's: rights are given by study. */
function checkAddresses(view: StudyView, { name, metadata, files, manifests }: TableView): Problem[] {
  const lists = (metadata.snapshots ?? []).map(snapshot => snapshot['manifest-list'])
  const addresses = [metadata.location, ...lists, ...manifests, ...files.map(({ address }) => address)]
  return [...new Set(addresses)]
    .filter(address => !isOwn(view, address))
    .map(address => ({
      code: 'address-outside',
      table: name,
      message: `${address} is not among the study's own files`,
    }))
}

/** Each table by itself: its members agree, its uuid is one and its own, all that it refers to is the study's. */
function checkTables(view: StudyView): Problem[] {
  const problems: Problem[] = []
  const owners = new Map<string, string>()
  for (const table of view.tables) {
    const { name, metadata } = table
    problems.push(
      ...verifyMetadata(metadata).map(problem => ({ ...problem, table: name })),
      ...checkAddresses(view, table),
    )
    const id = metadata['table-uuid'].toLowerCase()
    const owner = owners.get(id)
    if (!uuid.test(id)) problems.push({ code: 'table-uuid', table: name, message: 'its table-uuid is no uuid' })
    if (owner)
      problems.push({
        code: 'table-uuid-shared',
        table: name,
        message: `is the table ${owner} once more: its uuid is the same`,
      })
    owners.set(id, name)
  }
  return problems
}

/** Where on a branch something of this kind would be taken for a table's, or is one that nothing refers to. */
const looksLikeData = /^(?:data|metadata)\/|\.(?:parquet|avro|orc|metadata\.json)$/i

/** Objects of the branch that are no part of the layout. */
function checkPaths({ paths }: StudyView): Problem[] {
  const lawful = (path: string) =>
    path === gatePath || path === contentsPath || path === versionPath || parseTablePath(path) !== undefined
  return paths
    .filter(path => !lawful(path))
    .flatMap(path => {
      if (path.startsWith(tablesPrefix))
        return [{ code: 'table-misplaced', message: `${path} is not the path of a table` }]
      if (!looksLikeData.test(path)) return []
      return [
        {
          code: 'object-stray',
          message: `${path} looks like a table's file, and no table refers to objects of a branch`,
        },
      ]
    })
}

/** What must hold on every branch: tables that engines can read, none that is another's, nothing that only looks like one. */
export function checkStructure(view: StudyView): Problem[] {
  return [...checkPaths(view), ...checkTables(view)]
}
