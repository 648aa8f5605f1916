import { fits, layers, studyRule } from '../layout.ts'
import { type CatalogAnswer, json, noContent } from './answer.ts'
import { CatalogError } from './error.ts'
import { decodePart, formatNamespace, isVisibleRef, type NamespaceName, parseNamespace } from './names.ts'
import { readPage, takePage } from './pages.ts'
import type { Head } from './refs.ts'
import { type Call, noSuch, openNamespace, type Route, refusing, type Services } from './route.ts'

/** Where a listing of studies and their refs stands. */
interface Place {
  study: string
  kind: 'branch' | 'tag'
  ref: string
}

const formatPlace = ({ study, kind, ref }: Place): string => `${study} ${kind} ${ref}`

function readPlace(text: string | undefined): Place | undefined {
  const [, study, kind, ref] = /^(\S+) (branch|tag) (\S+)$/.exec(text ?? '') ?? []
  return study && kind && ref ? { study, kind: kind as Place['kind'], ref } : undefined
}

/** Namespaces: those of one level are studies at their branches and tags, those of two their layers. Commits are there, too, but not listed. */
export function createNamespaceRoutes(services: Services): Route[] {
  const { environment, tables, rights } = services
  const { lakefs } = environment

  async function* listStudies({ caller, warehouse }: Call, from = ''): AsyncGenerator<string> {
    if (warehouse !== undefined) {
      if (caller.mayRead(warehouse) && (await lakefs.getRepository(warehouse))) yield warehouse
      return
    }
    for await (const { id } of lakefs.listRepositories())
      if (id >= from && fits(studyRule, id) && caller.mayRead(id)) yield id
  }

  async function* listPlaces(call: Call, after: Place | undefined): AsyncGenerator<Place> {
    for await (const study of listStudies(call, after?.study)) {
      const left = after?.study === study ? after : undefined
      if (left?.kind !== 'tag') {
        for await (const { id: ref } of lakefs.listBranches(study, { after: left?.ref }))
          if (isVisibleRef(ref)) yield { study, kind: 'branch', ref }
      }
      for await (const { id: ref } of lakefs.listTags(study, { after: left?.kind === 'tag' ? left.ref : undefined }))
        if (isVisibleRef(ref)) yield { study, kind: 'tag', ref }
    }
  }

  /** Layers that hold tables, and those into which a table can be written. */
  async function listLayers(head: Head) {
    const [held, open] = await Promise.all([tables.listLayers(head), rights.writableLayers(head)])
    return layers.filter(layer => held.has(layer) || open.includes(layer))
  }

  async function open(call: Call): Promise<{ namespace: NamespaceName; head: Head }> {
    const opened = await openNamespace(services, call)
    const { layer } = opened.namespace
    if (layer !== undefined && !(await listLayers(opened.head)).includes(layer))
      throw noSuch('NoSuchNamespaceException', call.params.namespace ?? '')
    return opened
  }

  async function list(call: Call): Promise<CatalogAnswer> {
    const page = readPage(call.query)
    // Empty is the same as absent, says the specification. pyiceberg (0.12) encodes it twice; no name has a percent sign.
    const parent = decodePart(call.query.get('parent') ?? '') || undefined
    if (parent === undefined) {
      const found = await takePage(listPlaces(call, readPlace(page.after)), page, formatPlace)
      return json({ namespaces: found.items.map(formatNamespace), 'next-page-token': found.nextPageToken })
    }
    const { namespace, head } = await open({ ...call, params: { namespace: parent } })
    const below = namespace.layer === undefined ? await listLayers(head) : []
    const { after = '' } = page
    const rest = below.toSorted().filter(layer => layer > after)
    const found = await takePage(asAsync(rest), page, layer => layer)
    return json({
      namespaces: found.items.map(layer => formatNamespace({ ...namespace, layer })),
      'next-page-token': found.nextPageToken,
    })
  }

  async function get(call: Call): Promise<CatalogAnswer> {
    const { namespace } = await open(call)
    // Trino shows no schema that has a property which it does not know.
    return json({ namespace: formatNamespace(namespace), properties: {} })
  }

  async function create(call: Call): Promise<CatalogAnswer> {
    const { namespace } = Object(call.body()) as { namespace?: unknown }
    const levels = Array.isArray(namespace) ? namespace.map(String).join('\u001f') : ''
    // Who only wants to be sure that it is there is told that it is.
    const there = parseNamespace(levels) && (await exists({ ...call, params: { namespace: levels } }))
    if (there) throw new CatalogError('AlreadyExistsException', 'the namespace is there already')
    throw new CatalogError('UnsupportedOperationException', howNamespacesAreMade)
  }

  async function exists(call: Call): Promise<boolean> {
    try {
      await open(call)
      return true
    } catch (error) {
      if (error instanceof CatalogError && error.type === 'NoSuchNamespaceException') return false
      throw error
    }
  }

  return [
    { method: 'GET', path: 'namespaces', handle: list },
    { method: 'GET', path: 'namespaces/{namespace}', handle: get },
    { method: 'HEAD', path: 'namespaces/{namespace}', handle: call => open(call).then(() => noContent) },
    { method: 'POST', path: 'namespaces', handle: create, unsupported: true },
    refusing('DELETE', 'namespaces/{namespace}', 'UnsupportedOperationException', howNamespacesAreMade),
    refusing('POST', 'namespaces/{namespace}/properties', 'UnsupportedOperationException', noProperties),
  ]
}

const howNamespacesAreMade =
  'a namespace is a study at a branch, tag or commit, and a layer of it: make and delete branches in lakeFS'
const noProperties = 'namespaces have no properties that could be changed'

async function* asAsync<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  yield* items
}
