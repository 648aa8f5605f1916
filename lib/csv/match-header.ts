import { type Problem, Rejection } from '../errors.ts'
import type { Field } from '../fields.ts'

/**
 * The position in the CSV of each declared field, in the order of the fields. Names are matched without case and without white space
 * around them. Throws Rejection with one problem for each column that is missing, not declared, unnamed, or there more than once.
 */
export function matchHeader({ header, fields, file }: { header: string[]; fields: Field[]; file: string }): number[] {
  const problems: Problem[] = []
  const declared = new Set(fields.map(field => normalise(field.name)))
  const positions = new Map<string, number>()
  const anyDeclared = header.some(name => declared.has(normalise(name)))
  if (!anyDeclared) {
    // Without its header line a file starts with data, which must not get into a report as column names.
    const message = 'the first line names none of the declared columns: is the line of column names missing?'
    problems.push({ code: 'header-missing', message, file })
  }
  for (const [position, cell] of header.entries()) {
    const name = normalise(cell)
    const earlier = positions.get(name)
    if (earlier !== undefined && anyDeclared && name !== '') {
      const same = header[earlier]!.trim() === cell.trim()
      const message = same
        ? 'the column stands in the file more than once: keep one of them'
        : `the column differs from column ${header[earlier]!.trim()} only in case: names are matched without case, so keep one`
      problems.push({ code: 'column-duplicate', message, file, column: cell.trim() })
      continue
    }
    positions.set(name, position)
    if (declared.has(name) || !anyDeclared) continue
    const message =
      name === ''
        ? `column ${position + 1} has no name: name it and declare it, or remove it`
        : 'the column is not declared in the contents file: declare it, or remove it'
    problems.push({
      code: 'column-undeclared',
      message,
      file,
      column: cell.trim() === '' ? `#${position + 1}` : cell.trim(),
    })
  }
  for (const field of fields) {
    if (positions.has(normalise(field.name))) continue
    const message = 'the column is declared in the contents file and is not in the file'
    problems.push({ code: 'column-missing', message, file, column: field.name })
  }
  if (problems.length > 0) throw new Rejection(problems)
  return fields.map(field => positions.get(normalise(field.name))!)
}

const normalise = (name: string): string => name.trim().toLowerCase()
