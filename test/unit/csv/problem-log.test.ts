import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createProblemLog } from '../../../lib/csv/problem-log.ts'

const problem = fc.record({
  code: fc.constantFrom('ragged-row', 'value-does-not-fit', 'null-not-allowed'),
  column: fc.option(fc.constantFrom('A', 'B', 'C'), { nil: undefined }),
})

describe('problems of parts of a file', () => {
  it('are together what one log of the whole file holds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(problem, { maxLength: 30 }), { maxLength: 6 }),
        fc.integer({ min: 0, max: 25 }),
        (parts, maxProblems) => {
          const whole = createProblemLog({ file: 'dm.csv', maxProblems })
          const joined = createProblemLog({ file: 'dm.csv', maxProblems })
          const log = createProblemLog({ file: 'dm.csv', maxProblems })
          let rowsBefore = 0
          for (const part of parts) {
            for (const [at, { code, column }] of part.entries()) {
              const message = `${code} at ${at}`
              whole.add({ code, message, column, row: rowsBefore + at + 1 })
              log.add({ code, message, column, row: at + 1 })
            }
            joined.addPart(structuredClone(log.takePart()), rowsBefore)
            expect(log.count()).toBe(0)
            rowsBefore += part.length
          }
          expect(joined.problems()).toEqual(whole.problems())
          expect(joined.count()).toBe(whole.count())
          expect(joined.takePart()).toEqual(whole.takePart())
        },
      ),
    )
  })
})
