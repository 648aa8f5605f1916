import type { ObjectStore } from '../../../lib/store/object-store.ts'
import type { Commits } from './commits.ts'
import { comparePaths, type Entry } from './entries.ts'
import { notFound } from './errors.ts'
import type { Resolver } from './refs.ts'
import type { RepositoryRecord } from './repository.ts'
import type { Staging } from './staging.ts'
import type { Trees } from './trees.ts'

/** The block store's key of something in the repository's namespace `s3://<bucket>/<prefix>`. */
export function objectKey({ namespace }: RepositoryRecord, relative: string): string {
  const prefix = /^s3:\/\/[^/]+\/*(.*?)\/*$/.exec(namespace)?.[1] ?? ''
  return prefix ? `${prefix}/${relative}` : relative
}

/** Reads objects at refs: committed, and on a plain branch what is staged over it. */
export function createReader({
  commits,
  trees,
  staging,
  resolver,
  store,
}: {
  commits: Commits
  trees: Trees
  staging: Staging
  resolver: Resolver
  store: ObjectStore
}) {
  /** Throws 404. */
  function getEntry(repository: RepositoryRecord, ref: string, path: string): Entry {
    const { commitId, branch } = resolver.resolve(repository.uid, ref)
    const staged = branch && staging.findStaged(staging.tokensOf(branch), path)
    const entry = staged ? staged.entry : trees.getEntry(commits.getCommit(repository.uid, commitId).metaRangeId, path)
    if (!entry) throw notFound()
    return entry
  }

  /** Entries in order, from `from` on, as long as they start with `prefix`. */
  function* listEntries(
    repository: RepositoryRecord,
    ref: string,
    { prefix = '', from = prefix }: { prefix?: string; from?: string } = {},
  ): Generator<Entry> {
    const { commitId, branch } = resolver.resolve(repository.uid, ref)
    const tree = commits.getCommit(repository.uid, commitId).metaRangeId
    const start = comparePaths(from, prefix) < 0 ? prefix : from
    const entries = branch
      ? staging.listOverlaid(tree, staging.tokensOf(branch), start, prefix)
      : trees.listEntries(tree, start)
    for (const entry of entries) {
      if (!entry.path.startsWith(prefix)) return
      yield entry
    }
  }

  /** The paths right below a folder; those of folders in it end with `/`. */
  function listFolder(repository: RepositoryRecord, ref: string, folder: string): string[] {
    const paths = new Set<string>()
    for (const { path } of listEntries(repository, ref, { prefix: folder })) {
      const slash = path.indexOf('/', folder.length)
      paths.add(slash < 0 ? path : path.slice(0, slash + 1))
    }
    return [...paths]
  }

  async function readText(repository: RepositoryRecord, ref: string, path: string): Promise<string> {
    const { address } = getEntry(repository, ref, path)
    return Buffer.from(await store.get(objectKey(repository, address))).toString()
  }

  return { getEntry, listEntries, listFolder, readText }
}

export type ObjectReader = ReturnType<typeof createReader>
