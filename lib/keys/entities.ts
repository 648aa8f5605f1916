import type { Problem } from '../errors.ts'
import type { Dataset, Field } from '../fields.ts'
import { keyColumn, studyFile } from '../layout.ts'

/** What a surrogate key identifies. */
export interface Entity {
  /** `patient`, `visit`, `site`. */
  name: string
  /** Column names, as declared in the options; matched without case. */
  naturalKey: string[]
  /** A null in a part of the natural key is a rejection instead of a null key. */
  required: boolean
}

/** The names that are tried where `study.json` declares no entities: CDISC's, then those of plain exports. */
const usualEntities: { name: string; naturalKeys: string[][] }[] = [
  { name: 'patient', naturalKeys: [['USUBJID'], ['PATIENT_ID']] },
  { name: 'visit', naturalKeys: [['USUBJID', 'VISITNUM'], ['VISIT_ID']] },
  { name: 'site', naturalKeys: [['SITEID'], ['LOCATION_ID']] },
]

/** The fields of a natural key in a dataset, in the key's order, or undefined where the dataset lacks one. */
export function naturalKeyFields({ fields }: Pick<Dataset, 'fields'>, { naturalKey }: Entity): Field[] | undefined {
  const found = naturalKey.map(name => fields.find(field => field.name.toLowerCase() === name.toLowerCase()))
  return found.every(field => field !== undefined) ? found : undefined
}

/** The entities that a study's datasets have by their column names, each with the first natural key that some dataset holds whole. */
export function usualEntitiesOf(datasets: Dataset[]): Entity[] {
  return usualEntities.flatMap(({ name, naturalKeys }) => {
    const naturalKey = naturalKeys.find(columns =>
      datasets.some(dataset => naturalKeyFields(dataset, { name, naturalKey: columns, required: false })),
    )
    return naturalKey ? [{ name, naturalKey, required: false }] : []
  })
}

/** The entities whose whole natural key a dataset holds, in the order of the study's entities. */
export function entitiesOf(dataset: Pick<Dataset, 'fields'>, entities: Entity[]): Entity[] {
  return entities.filter(entity => naturalKeyFields(dataset, entity))
}

/** One problem for each entity that no dataset holds: its name may be right, and a column's misspelt. */
export function findUnusedEntities(datasets: Dataset[], entities: Entity[]): Problem[] {
  return entities
    .filter(entity => !datasets.some(dataset => naturalKeyFields(dataset, entity)))
    .map(({ name, naturalKey }) => ({
      code: 'entity-unused',
      file: studyFile,
      message: `no dataset has the whole natural key of "${name}" (${naturalKey.join(', ')}), so no table has its key`,
    }))
}

/** One problem for each delivered column that bears the name of a surrogate key. */
export function findKeyColumnClashes(datasets: Dataset[], entities: Entity[]): Problem[] {
  const names = new Map(entities.map(({ name }) => [keyColumn(name), name]))
  return datasets.flatMap(({ name: dataset, fields }) =>
    fields
      .filter(field => names.has(field.name.toLowerCase()))
      .map(({ name }) => ({
        code: 'key-column-delivered',
        file: `${dataset}.csv`,
        column: name,
        message: `the name is that of the surrogate key of "${names.get(name.toLowerCase())}": rename the column, or the entity in study.json`,
      })),
  )
}
