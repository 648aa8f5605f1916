import { verifyFieldTypes } from '../iceberg/verify-metadata.ts'
import { tableUuid } from '../iceberg/write-table.ts'
import { entitiesOf } from '../keys/entities.ts'
import { address, dataKey, deliveredLayers, tableLocationKey } from '../layout.ts'
import { contentKeyProperty } from '../pipeline/table-properties.ts'
import type { GateProblem } from './codes.ts'
import type { VersionTable, VersionView } from './view.ts'

/** The one file that a raw or base table of a version is made of, by the content that the table names. */
function expectedFile(view: VersionView, { layer, dataset, fields, metadata }: VersionTable): string | undefined {
  const content = metadata.properties?.[contentKeyProperty]
  if (!view.record || content === undefined || !deliveredLayers.includes(layer)) return undefined
  if (layer === 'raw') return address(view.bucket, dataKey(view.study, 'raw', dataset, content))
  const raw = view.record.datasets.find(item => item.dataset === dataset)?.contentKey
  const own = entitiesOf({ fields }, view.record.entities)
  if (own.length > 0) return address(view.bucket, dataKey(view.study, 'base', dataset, content))
  return raw && address(view.bucket, dataKey(view.study, 'raw', dataset, raw))
}

/** Each table of a version is the one that its path names: uuid, location, and the file that its content key names. */
export function checkIdentity(view: VersionView): GateProblem[] {
  const problems: GateProblem[] = []
  for (const table of view.tables) {
    const { layer, dataset, name, metadata, files } = table
    const say = (code: GateProblem['code'], message: string) => problems.push({ code, table: name, message })
    if (metadata['table-uuid'] !== tableUuid(view.study, layer, dataset))
      say('table-uuid', 'is another table: its uuid is not this path’s')
    if (metadata.location !== address(view.bucket, tableLocationKey(view.study, layer, dataset))) {
      say('table-location', 'is another table: its location is not this path’s')
    }
    problems.push(...verifyFieldTypes(metadata).map(problem => ({ ...problem, table: name })))
    if (files.some(({ content }) => content !== 0))
      say('delete-file', 'has delete files, which engines write: rows of a version are never taken away')
    const expected = expectedFile(view, table)
    if (expected !== undefined && (files.length !== 1 || files[0]!.address !== expected)) {
      say('file-other', 'is not made of the one file that its content key names')
    }
  }
  return problems
}
