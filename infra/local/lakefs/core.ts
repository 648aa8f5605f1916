import type { ObjectStore } from '../../../lib/store/object-store.ts'
import type { Actions } from './actions.ts'
import type { Commits } from './commits.ts'
import type { Database } from './database.ts'
import type { Resolver } from './refs.ts'
import type { Repositories } from './repository.ts'
import type { Staging } from './staging.ts'
import type { Trees } from './trees.ts'

/** What the parts of the server share. */
export interface Core {
  database: Database
  repositories: Repositories
  commits: Commits
  trees: Trees
  staging: Staging
  resolver: Resolver
  actions: Actions
  /** Where the bytes lie. */
  store: ObjectStore
  /** The committer of all commits. */
  user: string
  now(): Date
  /** A text that was never given before and that nobody can guess. */
  randomId(): string
}
