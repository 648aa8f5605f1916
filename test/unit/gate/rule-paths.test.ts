import { expect, it } from 'vitest'
import { checkPaths } from '../../../lib/gate/rule-paths.ts'
import type { StudyView } from '../../../lib/gate/view.ts'

const view = (paths: string[]): StudyView => ({
  study: 'bed',
  bucket: 'lake',
  listing: new Map(paths.map(path => [path, path])),
  tables: [],
  problems: [],
})
const both = (path: string) => [checkPaths(view([path]), 'structure'), checkPaths(view([path]), 'full')]

it.each([
  '_lakefs_actions/gate.yaml',
  'study/contents.json',
  'study/version.json',
  'tables/raw/dm.json',
  'tables/base/dm.json',
  'tables/keys/patient.json',
  'tables/work/_notes.json',
])('%s has its place on every branch', path => {
  expect(both(path)).toEqual([[], []])
})

it.each([
  'tables/raw/DM.json',
  'tables/gold/dm.json',
  'tables/dm.json',
  'tables/raw/dm.parquet',
  'tables/raw/dm.json/x',
])('%s is no place of a table', path => {
  const found = [{ code: 'table-misplaced', message: `${path} is not the path of a table` }]
  expect(both(path)).toEqual([found, found])
})

it.each([
  'data/bed/raw/dm/a',
  'metadata/x',
  'some/folder/a.parquet',
  'a.PARQUET',
  'a.avro',
  'a.orc',
  'v1.metadata.json',
])('%s looks like a file of a table', path => {
  const message = `${path} looks like a file of a table, and no table refers to objects of a branch`
  const found = [{ code: 'object-stray', message }]
  expect(both(path)).toEqual([found, found])
})

it.each([
  'notes.md',
  'mydata/x.csv',
  'a.parquet.md',
  'parquet',
  'xmetadata.json',
  'a.metadata-json',
  'study/other.json',
])('%s is what people may keep on branches of their own, and no part of a version', path => {
  expect(both(path)).toEqual([[], [{ code: 'object-outside', message: `${path} is no part of a version` }]])
})

it('every object is looked at', () => {
  const found = checkPaths(view(['a.orc', 'study/version.json', 'tables/x', 'notes.md']), 'full')
  expect(found.map(({ code }) => code)).toEqual(['object-stray', 'table-misplaced', 'object-outside'])
})
