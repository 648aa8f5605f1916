import type { Encoding } from '../csv/normalise-text.ts'
import { type Problem, Rejection } from '../errors.ts'
import type { Contents, Dataset, Field } from '../fields.ts'
import { contentsFile, datasetRule, fits } from '../layout.ts'
import { assignFieldIds } from './field-ids.ts'
import { quote } from './parse-type.ts'
import { type Declaration, readDeclarations } from './read-declarations.ts'

const maxNameLength = 255
const reservedDataset = contentsFile.replace(/\.csv$/, '')

/**
 * Reads a contents file of either dialect (PROC CONTENTS, plain). Dataset names are lower-cased and stand in the order
 * of their first rows; columns stand in the order of VARNUM where there is one, else of their rows. Throws Rejection with all problems.
 */
export function parseContents(bytes: Uint8Array, { file, encoding }: { file: string; encoding?: Encoding }): Contents {
  const { declarations, problems } = readDeclarations(bytes, { file, encoding })
  const groups = new Map<string, Declaration[]>()
  for (const declaration of declarations) {
    const dataset = declaration.dataset.toLowerCase()
    const group = groups.get(dataset)
    if (group) group.push(declaration)
    else groups.set(dataset, [declaration])
    if (!group || dataset === '') problems.push(...checkDatasetName(dataset, declaration, file))
  }
  for (const group of groups.values()) problems.push(...checkColumns(group, file))
  if (problems.length > 0) throw new Rejection(problems.sort((a, b) => a.row! - b.row!))
  return { datasets: [...groups].map(([name, group]) => makeDataset(name, group)) }
}

function checkDatasetName(dataset: string, { row, dataset: declared }: Declaration, file: string): Problem[] {
  if (dataset === '') return [{ code: 'dataset-name-missing', message: 'the dataset has no name', file, row }]
  if (dataset === reservedDataset) {
    const message = `a dataset cannot be called ${dataset}: ${contentsFile} is the contents file`
    return [{ code: 'dataset-name-reserved', message, file, row }]
  }
  if (fits(datasetRule, dataset)) return []
  return [{ code: 'dataset-name-invalid', message: `${quote(declared)} does not fit: ${datasetRule.rule}`, file, row }]
}

function checkColumns(group: Declaration[], file: string): Problem[] {
  const problems: Problem[] = []
  const seen = new Map<string, Declaration>()
  for (const declaration of group) {
    const { row, name, dataset } = declaration
    const nameProblem = checkColumnName(name)
    if (nameProblem) {
      problems.push({ ...nameProblem, file, row })
      continue
    }
    const earlier = seen.get(name.toLowerCase())
    if (!earlier) seen.set(name.toLowerCase(), declaration)
    else {
      const how =
        earlier.name === name
          ? 'is declared already'
          : `differs only in case from ${earlier.name}, which is declared already,`
      const message = `the column ${how} for dataset ${dataset.toLowerCase()} in row ${earlier.row}`
      problems.push({ code: 'field-duplicate', message, file, row, column: name })
    }
  }
  return problems
}

function checkColumnName(name: string): { code: string; message: string } | undefined {
  if (name === '') return { code: 'field-name-missing', message: 'the column has no name' }
  if (name.length > maxNameLength) {
    const message = `the column's name has ${name.length} characters, expected at most ${maxNameLength}`
    return { code: 'field-name-invalid', message }
  }
  if (!/\p{Cc}/u.test(name)) return undefined
  return { code: 'field-name-invalid', message: `the column's name holds control characters: ${quote(name)}` }
}

function makeDataset(name: string, group: Declaration[]): Dataset {
  const ordered = group.toSorted((a, b) => a.position - b.position)
  const columns = ordered.map(declaration => ({ ...declaration, type: declaration.type! }))
  const { ids } = assignFieldIds(columns)
  const fields = columns.map(({ name, type, nullable, label, format }, i): Field => {
    const field: Field = { id: ids[i]!, name, type, nullable }
    if (label !== '') field.label = label
    if (format !== undefined) field.format = format
    return field
  })
  return { name, fields }
}
