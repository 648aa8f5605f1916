import { expect, it } from 'vitest'
import { describeProblem, NotFoundError, PreconditionError, Rejection, TransientError } from '../../lib/errors.ts'

it('describes a problem on one line: place, message, difference, count', () => {
  expect(
    describeProblem({
      code: 'c',
      file: 'dm.csv',
      table: 'raw.dm',
      row: 7,
      column: 'AGE',
      message: 'is wrong',
      expected: 'integer',
      found: 'string',
      more: 3,
    }),
  ).toBe('dm.csv, raw.dm, row 7, column AGE: is wrong (expected integer, found string) (and 3 more like it)')
  expect(describeProblem({ code: 'c', message: 'is wrong' })).toBe('is wrong')
  expect(describeProblem({ code: 'c', message: 'is wrong', row: 0 })).toBe('row 0: is wrong')
})

it('a rejection takes one problem or many and says them all', () => {
  const cause = new Error('below')
  const one = new Rejection({ code: 'a', message: 'first' }, { cause })
  expect(one.problems).toEqual([{ code: 'a', message: 'first' }])
  expect(one.cause).toBe(cause)
  const two = new Rejection([...one.problems, { code: 'b', file: 'dm.csv', message: 'second' }])
  expect(two.message).toBe('first\ndm.csv: second')
})

it('errors are told apart by name, which survives where classes do not', () => {
  expect(new TransientError('t', { retryAfterSeconds: 7 })).toMatchObject({
    name: 'TransientError',
    retryAfterSeconds: 7,
  })
  expect(new TransientError('t').retryAfterSeconds).toBeUndefined()
  expect(new NotFoundError('n').name).toBe('NotFoundError')
  expect(new PreconditionError('p').name).toBe('PreconditionError')
  expect(new Rejection([]).name).toBe('Rejection')
})
