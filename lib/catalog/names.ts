import { datasetRule, fits, type Layer, layers, studyRule } from '../layout.ts'
import type { TableName } from './table-edit.ts'

/** A study at a ref, as the protocol's namespaces name it. */
export interface RefName {
  study: string
  /** A branch, a tag, a commit id or the start of one; nothing else. */
  ref: string
}

/** A namespace of one level, or of two. */
export interface NamespaceName extends RefName {
  layer?: Layer
}

/** The protocol's separator of a namespace's levels, in a path as in a query. Iceberg REST catalog specification, parameter "namespace". */
const levelSeparator = '\u001f'
/**
 * What a branch or tag has to be called to be seen here. No operator of lakeFS's ref expressions (`~ ^ @ :`), no dot, at which SQL engines part
 * the levels, and no underscore in front, which hides a branch.
 */
const refPattern = /^[A-Za-z0-9][-A-Za-z0-9_]{0,127}$/
const commitPattern = /^[0-9a-f]{64}$/
const commitStartPattern = /^[0-9a-f]{6,63}$/

/** True for a whole commit id. */
export const isCommitId = (ref: string): boolean => commitPattern.test(ref)
/** True for what may be the start of a commit id. */
export const isCommitStart = (ref: string): boolean => commitStartPattern.test(ref)
/** True where a branch or tag of that name can be named by a client. */
export const isVisibleRef = (name: string): boolean => refPattern.test(name)

/** A percent-encoded part of an address, decoded; as it is where it is not encoded so. */
export function decodePart(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/** The namespace of these levels, or undefined where no namespace can be called so. Engines that know one level join the two with a dot. */
export function readNamespace(levels: readonly string[]): NamespaceName | undefined {
  const [top, layer, ...rest] = levels.length === 1 ? levels[0]!.split('.') : levels
  const [study, ref, ...more] = top?.split('@') ?? []
  if (study === undefined || ref === undefined || rest.length > 0 || more.length > 0) return undefined
  if (!fits(studyRule, study) || !isVisibleRef(ref)) return undefined
  if (layer === undefined) return { study, ref }
  return isLayer(layer) ? { study, ref, layer } : undefined
}

/** The namespace that a path segment or a query parameter names, decoded; undefined where no namespace can be called so. */
export const parseNamespace = (text: string): NamespaceName | undefined => readNamespace(text.split(levelSeparator))

/** The table of that name in that namespace, or undefined where no table can be called so. */
export function readTableName(namespace: NamespaceName | undefined, table: string): TableName | undefined {
  if (namespace?.layer === undefined || !fits(datasetRule, table)) return undefined
  return { study: namespace.study, ref: namespace.ref, layer: namespace.layer, table }
}

/** The levels of a namespace, as answers have them. */
export const formatNamespace = ({ study, ref, layer }: NamespaceName): string[] => [
  `${study}@${ref}`,
  ...(layer === undefined ? [] : [layer]),
]

/** What a client called something, for a message: short enough for a line, and on one. */
export function quote(name: string): string {
  const shown = name.length > 100 ? `${name.slice(0, 100)}…` : name
  // The separator is a control character, too.
  return JSON.stringify(shown.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, '.'))
}

const isLayer = (name: string): name is Layer => (layers as readonly string[]).includes(name)
