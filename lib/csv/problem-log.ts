import type { Problem } from '../errors.ts'

/** How many places of one kind in one column are listed before the rest is folded into `more`. */
const listedPerKind = 5

/**
 * Collects problems of one file without growing with it: a few of each code and column are listed, further ones are counted in the `more`
 * of the last listed one, and at most `maxProblems` are listed in all. What is not listed is still in `count`.
 */
export function createProblemLog({ file, maxProblems }: { file: string; maxProblems: number }) {
  const problems: Problem[] = []
  const kinds = new Map<string, { listed: number; last: Problem | undefined }>()
  let count = 0

  return {
    problems,
    count: (): number => count,
    add(problem: Omit<Problem, 'file' | 'more'>): void {
      count++
      const kind = JSON.stringify([problem.code, problem.column])
      const seen = kinds.get(kind) ?? { listed: 0, last: undefined }
      kinds.set(kind, seen)
      if (seen.listed < listedPerKind && problems.length < maxProblems) {
        seen.last = { ...problem, file }
        seen.listed++
        problems.push(seen.last)
      } else if (seen.last) seen.last.more = (seen.last.more ?? 0) + 1
    },
  }
}

export type ProblemLog = ReturnType<typeof createProblemLog>
