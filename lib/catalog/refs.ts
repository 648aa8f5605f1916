import type { Environment } from '../environment.ts'
import { describeProblem, type Problem } from '../errors.ts'
import { judgeCommit } from '../gate/attest.ts'
import { type Profile, profileOf } from '../gate/profile.ts'
import { keysBranch, mainBranch } from '../layout.ts'
import { createCache } from './cache.ts'
import { CatalogError } from './error.ts'
import { isCommitId, isCommitStart, type RefName } from './names.ts'

/** What a ref named at one moment: all that a request reads, it reads at this commit. */
export interface Head extends RefName {
  kind: 'branch' | 'tag' | 'commit'
  /** 64 hex digits. */
  commit: string
  /** The ref is that commit's id: it will never name another. */
  immutable: boolean
}

export interface Refs {
  /** The commit that a ref names now, or undefined. A branch is asked for at every call, once. */
  resolve(name: RefName): Promise<Head | undefined>
  /** Resolves where the commit was judged and found good; judges it where nobody has. Throws CatalogError with the gate's list. */
  requireGood(head: Head): Promise<void>
  /** True for the branch of a version. */
  isVersion(head: Head): Promise<boolean>
}

/** Problems in a message; a client shows it on a terminal. */
const shownProblems = 20
/** ms for which a refusal is remembered at most: judging is dear, but what it found missing may be there later. */
const refusalLifetime = 30_000

/** Finds refs of studies, and judges what they name. What never changes is kept in memory, bounded. */
export function createRefs(environment: Pick<Environment, 'lakefs' | 'lake' | 'now'>): Refs {
  const { lakefs, now } = environment
  const commits = createCache<string | undefined>({ capacity: 10_000, weigh: id => (id === undefined ? 0 : 1) })
  const verdicts = createCache<Problem[]>({ capacity: 10_000, weigh: ({ length }) => (length === 0 ? 1 : 0) })
  const refusals = createCache<Problem[]>({ capacity: 100, weigh: ({ length }) => (length === 0 ? 0 : 1) })
  const profiles = createCache<Profile>({ capacity: 10_000 })

  /** The id of the commit whose id is this or begins so. Only hex digits come here: lakeFS would take an expression, too. */
  const findCommit = ({ study, ref }: RefName): Promise<string | undefined> =>
    commits.get(`${study}/${ref}`, async () => (await lakefs.getCommit(study, ref))?.id)

  async function resolve({ study, ref }: RefName): Promise<Head | undefined> {
    const named = (kind: Head['kind'], commit: string): Head => ({
      study,
      ref,
      kind,
      commit,
      immutable: commit === ref,
    })
    if (!isCommitId(ref)) {
      const branch = await lakefs.getBranch(study, ref)
      if (branch) return named('branch', branch.commitId)
      const tag = await lakefs.getTag(study, ref)
      if (tag) return named('tag', tag.commitId)
      if (!isCommitStart(ref)) return undefined
    }
    const commit = await findCommit({ study, ref })
    return commit?.startsWith(ref) ? named('commit', commit) : undefined
  }

  async function isVersion({ study, ref, kind, commit }: Head): Promise<boolean> {
    if (kind !== 'branch' || isAuthority(ref)) return false
    const profile = await profiles.get(`${study}/${ref}/${commit}`, () =>
      profileOf(environment, { study, branch: ref, commit }),
    )
    return profile === 'full'
  }

  function judge({ study, ref, kind, commit }: Head): Promise<Problem[]> {
    // What is asked of a commit depends on the branch that it is the head of.
    const destination = kind === 'branch' ? ref : undefined
    const key = `${study}/${commit}/${destination ?? ''}`
    const turn = Math.floor(now().getTime() / refusalLifetime)
    return verdicts.get(key, () =>
      refusals.get(`${key}/${turn}`, () => judgeCommit(environment, { study, commit, destination })),
    )
  }

  return {
    resolve,
    isVersion,
    async requireGood(head) {
      const problems = await judge(head)
      if (problems.length === 0) return
      const lines = problems.slice(0, shownProblems).map(describeProblem)
      const more = problems.length - lines.length
      if (more > 0) lines.push(`and ${more} more`)
      throw new CatalogError(
        'ForbiddenException',
        `${head.study}@${head.ref} is not served: the gate refuses its commit ${head.commit.slice(0, 12)}: ${lines.join('; ')}`,
        { problems },
      )
    },
  }
}

/** Branches of which every table is as the pipeline made it. */
export const isAuthority = (branch: string): boolean => branch === mainBranch || branch === keysBranch
