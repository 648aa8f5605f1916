import { keyOfAddress, tableFilePrefixes } from '../layout.ts'
import type { GateProblem } from './codes.ts'
import type { StudyView, TableView } from './view.ts'

/** True where an address is a plain path within what is the study's own. */
export function isOwn({ study, bucket }: Pick<StudyView, 'study' | 'bucket'>, address: string): boolean {
  const key = keyOfAddress(bucket, address)
  if (key === undefined || key.split('/').some(part => part === '' || part === '.' || part === '..')) return false
  return tableFilePrefixes(study).some(prefix => key.startsWith(prefix))
}

function addressesOf({ metadata, files, manifests }: TableView): Set<string> {
  const lists = (metadata.snapshots ?? []).map(snapshot => snapshot['manifest-list'])
  return new Set([metadata.location, ...lists, ...manifests, ...files.map(({ address }) => address)])
}

/** Nothing that a table refers to is another study's: rights are given by study. */
export function checkAddresses(view: StudyView): GateProblem[] {
  return view.tables.flatMap(table =>
    [...addressesOf(table)]
      .filter(address => !isOwn(view, address))
      .map(address => ({
        code: 'address-outside' as const,
        table: table.name,
        message: `${address} is not among the study's own files`,
      })),
  )
}
