import { randomUUID } from 'node:crypto'
import { NotFoundError } from '../errors.ts'
import { formatTableMetadata, IcebergError, parseTableMetadata, type TableMetadata } from '../iceberg/table.ts'
import { JsonError } from '../json.ts'
import { address, datasetRule, keyOfAddress, tableLocationKey } from '../layout.ts'
import { type CatalogAnswer, noContent } from './answer.ts'
import { type CommitResult, commitEdits } from './commit/index.ts'
import { describeCommit, findQueryId } from './describe-request.ts'
import { allowLocations, alreadyThere, commitEdit, dropEdit, placeEdit, renameEdits } from './edits.ts'
import { CatalogError } from './error.ts'
import {
  type CommitTableRequest,
  readCommitTable,
  readCommitTransaction,
  readCreateTable,
  readRegisterTable,
  readRenameTable,
  type TableIdentifier,
} from './metadata/bodies.ts'
import { createMetadata } from './metadata/create-metadata.ts'
import { badRequest } from './metadata/refuse.ts'
import { type NamespaceName, quote, readNamespace, readTableName } from './names.ts'
import { tableAnswer } from './read-tables.ts'
import type { Head } from './refs.ts'
import { type Call, noSuch, openNamespace, openTable, type Route, resolveVisible, type Services } from './route.ts'
import type { TableEdit, TableName } from './table-edit.ts'
import { storeText } from './tables.ts'

/** Bytes of metadata that a table can be registered from. */
const largestDocument = 32 * 2 ** 20

/** Writing of tables: each request is one gated commit of the branch that it names. Files are never deleted. */
export function createTableWrites(
  services: Services,
  { makeUuid = randomUUID }: { makeUuid?: () => string } = {},
): Route[] {
  const { environment, tables, rights, clientConfig } = services
  const { lake, now } = environment
  const { bucket } = lake
  const context = () => ({ bucket, now: now() })

  /** Commits edits of tables that are all at one head. */
  async function commit(
    { caller, headers }: Call,
    head: Head,
    { edits, purpose, requests }: { edits: TableEdit[]; purpose: string; requests?: CommitTableRequest[] },
  ): Promise<CommitResult> {
    const layers = [...new Set(edits.map(({ layer }) => layer))]
    await rights.requireWritable(caller, head, layers)
    const queryId = findQueryId(headers, requests)
    return commitEdits(environment, {
      study: head.study,
      branch: head.ref,
      edits,
      author: caller.name,
      purpose,
      queryId,
    })
  }

  function answerTable(
    done: CommitResult,
    { layer, table }: TableName,
    config?: Record<string, string>,
  ): CatalogAnswer {
    const { text, location } = done.tables.find(of => of.layer === layer && of.table === table)!
    return tableAnswer(storeText(text), { location, config })
  }

  /** A table that is to be made in the namespace of the path. */
  async function openNew(call: Call, table: string): Promise<{ name: TableName; head: Head }> {
    const { namespace, head } = await openNamespace(services, call)
    if (namespace.layer === undefined)
      throw badRequest('tables are in the layers of a study, not in the study itself: name a layer')
    await rights.requireWritable(call.caller, head, [namespace.layer])
    const name = readTableName(namespace, table)
    if (!name) throw badRequest(`the name ${quote(table)} does not fit: ${datasetRule.rule}, in lower case`)
    return { name, head }
  }

  /** The table of an identifier in a body. */
  async function openIdentifier(
    call: Call,
    { namespace: levels, name: table }: TableIdentifier,
  ): Promise<{ name: TableName; head: Head }> {
    const namespace = readNamespace(levels)
    const name = readTableName(namespace, table)
    const head = name && (await resolveVisible(services, call, name))
    if (!name || !head) throw noSuch('NoSuchTableException', [...levels, table].join('.'))
    return { name, head }
  }

  async function create(call: Call): Promise<CatalogAnswer> {
    const request = readCreateTable(call.body())
    const { name, head } = await openNew(call, request.name)
    const { study, layer, table } = name
    const isAllowedLocation = allowLocations(bucket, study)
    const uuid = makeUuid()
    // Trino makes no table where files are, and what was dropped, or is on another branch, has left or keeps some.
    const own = address(bucket, `${tableLocationKey(study, layer, table)}/${uuid}`)
    const location = request.location?.replace(/\/+$/, '') ?? own
    if (!isAllowedLocation(location))
      throw badRequest(`the location of a table of ${study} lies below ${address(bucket, `data/${study}/`)}`)
    const metadata = createMetadata(request, { uuid, location, now: now(), isAllowedLocation })
    if (request['stage-create']) {
      // Told early; the commit looks again.
      if (await tables.read(head, name)) throw alreadyThere(name)
      return tableAnswer(storeText(formatTableMetadata(metadata)), { location: undefined, config: clientConfig })
    }
    return answerTable(
      await commit(call, head, { edits: [placeEdit(name, metadata)], purpose: 'Create' }),
      name,
      clientConfig,
    )
  }

  async function update(call: Call): Promise<CatalogAnswer> {
    const request = readCommitTable(call.body())
    const { name, head } = await openTable(services, call)
    const edits = [commitEdit(name, request, context())]
    const committed = await commit(call, head, { edits, purpose: describeCommit(request), requests: [request] })
    return answerTable(committed, name)
  }

  async function drop(call: Call): Promise<CatalogAnswer> {
    const { name, head } = await openTable(services, call)
    await commit(call, head, { edits: [dropEdit(name)], purpose: 'Drop' })
    return noContent
  }

  async function rename(call: Call): Promise<CatalogAnswer> {
    const body = readRenameTable(call.body())
    const source = await openIdentifier(call, body.source)
    const namespace = readNamespace(body.destination.namespace)
    if (namespace && !sameBranch(namespace, source.name))
      throw badRequest('a table is renamed within its study and branch: a merge in lakeFS brings it to another one')
    const destination = readTableName(namespace, body.destination.name)
    if (!namespace || namespace.layer === undefined)
      throw noSuch('NoSuchNamespaceException', body.destination.namespace.join('.'))
    if (!destination)
      throw badRequest(`the name ${quote(body.destination.name)} does not fit: ${datasetRule.rule}, in lower case`)
    const edits = renameEdits(source.name, destination)
    await commit(call, source.head, { edits, purpose: 'Rename' })
    return noContent
  }

  async function register(call: Call): Promise<CatalogAnswer> {
    const body = readRegisterTable(call.body())
    const { name, head } = await openNew(call, body.name)
    const metadata = await readDocument(name.study, body['metadata-location'])
    const edits = [placeEdit(name, metadata, { overwrite: body.overwrite ?? false })]
    return answerTable(await commit(call, head, { edits, purpose: 'Register' }), name, clientConfig)
  }

  /** Metadata that somebody else has written. What it refers to is the gate's to judge. */
  async function readDocument(study: string, location: string): Promise<TableMetadata> {
    const key = keyOfAddress(bucket, location)
    if (key === undefined || !allowLocations(bucket, study)(location))
      throw badRequest(
        `the metadata of a table of ${study} lies in ${address(bucket, `metadata/${study}/`)} or below its data`,
      )
    try {
      const info = await lake.head(key)
      if (info && info.size > largestDocument) throw badRequest('the document is too large for the metadata of a table')
      return parseTableMetadata(new TextDecoder().decode(await lake.get(key)), 'the document')
    } catch (error) {
      if (error instanceof NotFoundError)
        throw new CatalogError('NotFoundException', `there is no object ${quote(location)}`, { cause: error })
      if (error instanceof JsonError || error instanceof IcebergError)
        throw badRequest('the document is no table metadata of format version 2', error)
      throw error
    }
  }

  async function commitTransaction(call: Call): Promise<CatalogAnswer> {
    const { 'table-changes': changes } = readCommitTransaction(call.body())
    if (changes.length === 0) return noContent
    const names = changes.map(({ identifier: of }) => ({
      of,
      name: readTableName(readNamespace(of.namespace), of.name),
    }))
    const [first] = names
    const elsewhere = names.find(({ name }) => name && first?.name && !sameBranch(name, first.name))
    if (elsewhere) throw badRequest('a transaction is one commit: all its tables are of one study and one branch')
    for (const { of, name } of names)
      if (!name) throw noSuch('NoSuchTableException', [...of.namespace, of.name].join('.'))
    const { head } = await openIdentifier(call, first!.of)
    const edits = changes.map((change, at) => commitEdit(names[at]!.name!, change, context()))
    const purposes = new Set(changes.map(describeCommit))
    const purpose = purposes.size === 1 ? [...purposes][0]! : 'Change'
    await commit(call, head, { edits, purpose, requests: changes })
    return noContent
  }

  const table = 'namespaces/{namespace}/tables/{table}'
  return [
    { method: 'POST', path: 'namespaces/{namespace}/tables', handle: create },
    { method: 'POST', path: table, handle: update },
    { method: 'DELETE', path: table, handle: drop },
    { method: 'POST', path: 'tables/rename', handle: rename },
    { method: 'POST', path: 'namespaces/{namespace}/register', handle: register },
    { method: 'POST', path: 'transactions/commit', handle: commitTransaction },
  ]
}

const sameBranch = (a: NamespaceName, b: NamespaceName): boolean => a.study === b.study && a.ref === b.ref
