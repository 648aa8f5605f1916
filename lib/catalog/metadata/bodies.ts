import { z } from 'zod'
import { partitionSpecBody, schemaBody, sortOrderBody } from './body-parts.ts'
import { badRequest } from './refuse.ts'
import { tableRequirement } from './requirements.ts'
import { tableUpdate } from './updates.ts'

const tableIdentifier = z.looseObject({ namespace: z.array(z.string()), name: z.string() })
/** A table as bodies name it. Protocol, "TableIdentifier". */
export type TableIdentifier = z.infer<typeof tableIdentifier>

// The reference client writes what it leaves open as null.
const createTable = z.looseObject({
  name: z.string(),
  location: z.string().nullish(),
  schema: schemaBody,
  'partition-spec': partitionSpecBody.nullish(),
  'write-order': sortOrderBody.nullish(),
  'stage-create': z.boolean().nullish(),
  properties: z.record(z.string(), z.string()).nullish(),
})
/** The body of a request that makes a table, at once or staged. Protocol, "CreateTableRequest". */
export type CreateTableRequest = z.infer<typeof createTable>

const commitTable = z.looseObject({
  identifier: tableIdentifier.nullish(),
  requirements: z.array(tableRequirement),
  updates: z.array(tableUpdate),
})
/** The body of a commit to one table. Protocol, "CommitTableRequest". */
export type CommitTableRequest = z.infer<typeof commitTable>

const tableChange = commitTable.extend({ identifier: tableIdentifier })
const commitTransaction = z.looseObject({ 'table-changes': z.array(tableChange) })
/** The body of a commit to several tables; each change names its table. Protocol, "CommitTransactionRequest". */
export type CommitTransactionRequest = z.infer<typeof commitTransaction>

const renameTable = z.looseObject({ source: tableIdentifier, destination: tableIdentifier })
/** The body of a request that gives a table another name. Protocol, "RenameTableRequest". */
export type RenameTableRequest = z.infer<typeof renameTable>

const registerTable = z.looseObject({
  name: z.string(),
  'metadata-location': z.string(),
  overwrite: z.boolean().nullish(),
})
/** The body of a request that makes a table of metadata that is there. Protocol, "RegisterTableRequest". */
export type RegisterTableRequest = z.infer<typeof registerTable>

// Types nest, so a body may; deeper than any schema, it is meant to exhaust the stack.
const deepest = 200

/** Reads the parsed JSON of a request that makes a table. Throws CatalogError BadRequestException, which names the member. */
export const readCreateTable = (body: unknown): CreateTableRequest => read(createTable, body)
/** Reads the parsed JSON of a commit. Throws CatalogError BadRequestException, which names the member, or the action that is not known. */
export const readCommitTable = (body: unknown): CommitTableRequest => read(commitTable, body)
/** Reads the parsed JSON of a commit to several tables. Throws as `readCommitTable` does. */
export const readCommitTransaction = (body: unknown): CommitTransactionRequest => read(commitTransaction, body)
/** Reads the parsed JSON of a request for another name. Throws CatalogError BadRequestException, which names the member. */
export const readRenameTable = (body: unknown): RenameTableRequest => read(renameTable, body)
/** Reads the parsed JSON of a request that registers a table. Throws CatalogError BadRequestException, which names the member. */
export const readRegisterTable = (body: unknown): RegisterTableRequest => read(registerTable, body)

function read<Body extends z.ZodType>(schema: Body, body: unknown): z.infer<Body> {
  if (!isShallow(body)) throw badRequest(`the request is nested deeper than ${deepest} levels`)
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issues = result.error.issues.slice(0, 10).map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
  throw badRequest(`the request does not fit the protocol: ${issues.join('; ')}`)
}

function isShallow(body: unknown): boolean {
  let level: unknown[] = [body]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > deepest) return false
    level = level.flatMap(value => (value !== null && typeof value === 'object' ? Object.values(value) : []))
  }
  return true
}
