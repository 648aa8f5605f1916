import type { Problem } from '../errors.ts'

/** How many places of one kind in one column are listed before the rest is folded into `more`. */
const listedPerKind = 5

/** What a log holds of one part of a file, its rows counted from the part's first: plain objects. */
export interface ProblemPart {
  count: number
  problems: Problem[]
  /** Of kinds of which nothing is listed. */
  unlisted: { code: string; column: string | undefined; count: number }[]
}

/**
 * Collects problems of one file without growing with it: a few of each code and column are listed, further ones are counted in the `more`
 * of the last listed one, and at most `maxProblems` are listed in all. What is not listed is still in `count`. Parts of a file that were logged
 * apart, each with the same `maxProblems`, give by `addPart` in the order of the file what one log of the whole file would hold.
 */
export function createProblemLog({ file, maxProblems }: { file: string; maxProblems: number }) {
  let problems: Problem[] = []
  let kinds = new Map<string, Kind>()
  let count = 0

  function add(problem: Omit<Problem, 'file' | 'more'>): Kind {
    count++
    const seen = kindOf(problem)
    if (seen.listed < listedPerKind && problems.length < maxProblems) {
      seen.last = { ...problem, file }
      seen.listed++
      problems.push(seen.last)
    } else fold(seen, 1)
    return seen
  }

  function kindOf({ code, column }: { code: string; column?: string | undefined }): Kind {
    const name = JSON.stringify([code, column])
    const seen = kinds.get(name) ?? { code, column, listed: 0, last: undefined, unlisted: 0 }
    kinds.set(name, seen)
    return seen
  }

  return {
    problems: (): Problem[] => problems,
    count: (): number => count,
    add: (problem: Omit<Problem, 'file' | 'more'>): void => {
      add(problem)
    },
    /** Hands over what it holds and is empty afterwards. */
    takePart(): ProblemPart {
      const unlisted = [...kinds.values()].filter(kind => kind.unlisted > 0)
      const part = {
        count,
        problems,
        unlisted: unlisted.map(({ code, column, unlisted: n }) => ({ code, column, count: n })),
      }
      problems = []
      kinds = new Map()
      count = 0
      return part
    },
    /** Adds the problems of the file's next part; so many rows are before it. */
    addPart(part: ProblemPart, rowsBefore: number): void {
      for (const { more = 0, ...problem } of part.problems) {
        const seen = add({ ...problem, row: problem.row! + rowsBefore })
        count += more
        // What a part folds no log of more could have listed: either five of the kind were, or as many as may be.
        if (more > 0) fold(seen, more)
      }
      for (const { count: places, ...kind } of part.unlisted) {
        count += places
        fold(kindOf(kind), places)
      }
    },
  }
}

/** Problems of one code in one column. */
interface Kind {
  code: string
  column: string | undefined
  listed: number
  last: Problem | undefined
  /** Places that came when none could be listed any more. */
  unlisted: number
}

function fold(kind: Kind, places: number): void {
  if (kind.last) kind.last.more = (kind.last.more ?? 0) + places
  else kind.unlisted += places
}

export type ProblemLog = ReturnType<typeof createProblemLog>
