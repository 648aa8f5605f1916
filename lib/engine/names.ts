import { type Layer, parseTablePath, tablePath } from '../layout.ts'
import type { EngineNames } from './engine.ts'

/** A version in its study. */
interface VersionName {
  study: string
  version: string
}

interface TableName extends VersionName {
  layer: Layer
  dataset: string
}

/** Hive's names have no hyphens. */
const hiveName = (name: string): string => name.toLowerCase().replaceAll('-', '_')

const fill = (template: string, values: Record<string, string>): string =>
  template.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]!)

/** The schema in which a table of that layer is registered. */
export const engineSchema = ({ schema }: EngineNames, { study, version, layer }: Omit<TableName, 'dataset'>): string =>
  fill(schema, { study: hiveName(study), version: hiveName(version), layer })

/** What a table is called in its schema. */
export const engineTable = ({ table }: EngineNames, { layer, dataset }: Pick<TableName, 'layer' | 'dataset'>): string =>
  fill(table, { layer, dataset })

/** The table that a name in the schema of a layer stands for, or undefined where no table of that layer is ever called so. */
export function parseEngineTable(
  { table }: EngineNames,
  { layer, name }: { layer: Layer; name: string },
): { layer: Layer; dataset: string } | undefined {
  const [before = '', after = ''] = fill(table, { layer, dataset: '/' }).split('/')
  if (!name.startsWith(before) || !name.endsWith(after)) return undefined
  const dataset = name.slice(before.length, name.length - after.length)
  return parseTablePath(tablePath(layer, dataset))
}

/** What is wrong with the templates of names, as one sentence; undefined where nothing is. */
export function findNameProblem({ schema, table, layers }: EngineNames): string | undefined {
  const holes = (template: string) => [...template.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!)
  const fixed = (template: string) => template.replaceAll(/\{\w+\}/g, '')
  for (const template of [schema, table])
    if (!/^[a-z0-9_]*$/.test(fixed(template)))
      return `"${template}": between its placeholders a name has lower-case letters, digits and underscores only`
  const [inSchema, inTable] = [holes(schema), holes(table)]
  if (inSchema.some(name => !['study', 'version', 'layer'].includes(name)))
    return `"${schema}": the placeholders of a schema are {study}, {version} and {layer}`
  if (!inSchema.includes('study') || !inSchema.includes('version'))
    return `"${schema}": a schema is of one study and one version, so {study} and {version} have to be in it`
  if (inTable.some(name => !['layer', 'dataset'].includes(name)))
    return `"${table}": the placeholders of a table are {layer} and {dataset}`
  if (inTable.filter(name => name === 'dataset').length !== 1)
    return `"${table}": a table's name has {dataset} in it, once`
  if (layers.length > 1 && !inSchema.includes('layer') && !inTable.includes('layer'))
    return 'of several layers, {layer} has to be in the name of the schema or of the table'
  return undefined
}
