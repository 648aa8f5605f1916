import { expect } from 'vitest'
import { CatalogError, type ErrorType } from '../../../../lib/catalog/error.ts'
import { applyUpdates } from '../../../../lib/catalog/metadata/apply-updates.ts'
import { type CreateTableRequest, readCommitTable, readCreateTable } from '../../../../lib/catalog/metadata/bodies.ts'
import { createMetadata } from '../../../../lib/catalog/metadata/create-metadata.ts'
import type { Id, TableMetadata } from '../../../../lib/iceberg/metadata.ts'

export const location = 's3://lake/data/trial/work/visits'
export const uuid = '0b4f1a52-33aa-5c1e-9d2b-7a1d6f0c9e11'
export const isAllowedLocation = (address: string): boolean => `${address}/`.startsWith(`${location}/`)

/** The columns: subject 1, visit 2, day 3, weight 4, site 5 with the fields city 6 and rooms 7 (elements 8). */
export const schema = {
  type: 'struct',
  fields: [
    { id: 1, name: 'subject', required: true, type: 'string' },
    { id: 2, name: 'visit', required: false, type: 'long' },
    { id: 3, name: 'day', required: false, type: 'date', doc: 'of the visit' },
    { id: 4, name: 'weight', required: false, type: 'decimal(9, 2)' },
    {
      id: 5,
      name: 'site',
      required: false,
      type: {
        type: 'struct',
        fields: [
          { id: 6, name: 'city', required: true, type: 'string' },
          {
            id: 7,
            name: 'rooms',
            required: false,
            type: { type: 'list', 'element-id': 8, element: 'int', 'element-required': false },
          },
        ],
      },
    },
  ],
}

export const createBody = (more: object = {}): CreateTableRequest =>
  readCreateTable({ name: 'visits', schema, ...more })

/** A new table without data, of time 1000. */
export const table = (more: object = {}): TableMetadata =>
  createMetadata(createBody(more), { uuid, location, now: new Date(1000) })

/** An update that adds a snapshot of time `1000 * sequence`. */
export const addSnapshot = (id: Id, sequence: number, more: object = {}) => ({
  action: 'add-snapshot',
  snapshot: {
    'snapshot-id': id,
    'sequence-number': sequence,
    'timestamp-ms': 1000 * sequence,
    'manifest-list': `${location}/metadata/${id}.avro`,
    summary: { operation: 'append' },
    'schema-id': 0,
    ...more,
  },
})
export const setRef = (name: string, id: Id, more: object = {}) => ({
  action: 'set-snapshot-ref',
  'ref-name': name,
  type: 'branch',
  'snapshot-id': id,
  ...more,
})

/** Applies updates as a request would carry them, at the time 500,000. */
export function commit(
  before: TableMetadata | undefined,
  updates: object[],
  { now = 500_000, previousLocation }: { now?: number; previousLocation?: string } = {},
): TableMetadata {
  const request = readCommitTable({ requirements: [], updates })
  return applyUpdates(before, request.updates, { now: new Date(now), previousLocation, isAllowedLocation })
}

/** A table with snapshots 11, 12, … of times 1000, 2000, …, each the child of the one before, each committed to main by itself. */
export function tableWithSnapshots(count: number, before: TableMetadata = table()): TableMetadata {
  const numbers = Array.from({ length: count }, (_, n) => n + 1)
  return numbers.reduce(
    (metadata, n) =>
      commit(metadata, [addSnapshot(10 + n, n, n > 1 ? { 'parent-snapshot-id': 9 + n } : {}), setRef('main', 10 + n)]),
    before,
  )
}

/** Expects a refusal of that type whose message holds that text. */
export function expectRefusal(act: () => unknown, type: ErrorType, text: string | RegExp): void {
  let thrown: unknown
  try {
    act()
  } catch (error) {
    thrown = error
  }
  expect(thrown).toBeInstanceOf(CatalogError)
  expect((thrown as CatalogError).type).toBe(type)
  expect((thrown as CatalogError).message).toMatch(text)
}
