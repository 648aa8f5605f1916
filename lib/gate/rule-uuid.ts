import { parseTablePath } from '../layout.ts'
import type { GateProblem } from './codes.ts'
import type { StudyView } from './view.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Each table has a uuid, and no two tables are one: not by their uuid and, among those that are not read, not by their object. */
export function checkUuids({ listing, tables }: StudyView): GateProblem[] {
  const problems: GateProblem[] = []
  const owners = new Map<string, string>()
  const claim = (identity: string, name: string) => {
    const owner = owners.get(identity)
    if (owner !== undefined)
      problems.push({ code: 'table-uuid-shared', table: name, message: `is the table ${owner} once more` })
    else owners.set(identity, name)
  }
  for (const { name, metadata } of tables) {
    const id = metadata['table-uuid'].toLowerCase()
    if (!uuid.test(id)) problems.push({ code: 'table-uuid', table: name, message: 'its table-uuid is no uuid' })
    claim(id, name)
  }
  const read = new Set(tables.map(({ name }) => name))
  const objects = [...listing].flatMap(([path, content]) => {
    const table = parseTablePath(path)
    return table && content !== undefined ? [{ name: `${table.layer}.${table.dataset}`, content }] : []
  })
  // Those that are read come last: the copy is what is new.
  for (const { name, content } of objects.toSorted((a, b) => Number(read.has(a.name)) - Number(read.has(b.name))))
    if (!problems.some(problem => problem.table === name)) claim(`object ${content}`, name)
  return problems
}
