import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UsageError } from '../../../bin/support/failure.ts'
import { parseStatement } from '../../../bin/support/statement.ts'

const several = 'more than one statement'

describe('one statement', () => {
  it.each([
    ['select 1', 'select 1'],
    ['select 1;', 'select 1'],
    ['select 1 ; ;\n', 'select 1'],
    ['-- first line\n\nselect 1; -- done; really', '-- first line\n\nselect 1'],
    ["select ';', \"a;b\", ';''; '", "select ';', \"a;b\", ';''; '"],
    ['select 1 /* ; select 2; * / */ + 1', 'select 1 /* ; select 2; * / */ + 1'],
    ['select 1 -- ;', 'select 1 -- ;'],
    ["select '", "select '"],
    [
      'with function f(x integer) returns integer begin declare y integer; return x; end select f(1);',
      'with function f(x integer) returns integer begin declare y integer; return x; end select f(1)',
    ],
    [
      '/* ours */ create or replace function f() returns integer begin return 1; end',
      '/* ours */ create or replace function f() returns integer begin return 1; end',
    ],
  ])('%j', (text, statement) => expect(parseStatement(text)).toBe(statement))

  it.each(['select 1; select 2', "select ';'; drop table t", 'select 1 /* */; /* */ select 2', 'a;;b'])(
    '%j is refused',
    text => expect(() => parseStatement(text)).toThrow(several),
  )

  it.each(['', ' \n', ';', '-- nothing', '/* nothing; */ ; -- at all'])('%j is none', text =>
    expect(() => parseStatement(text)).toThrow(new UsageError('query: there is no statement')),
  )

  it('is not cut short, nor taken for several, by what is quoted or said in comments', () => {
    const quoted = fc.string().map(text => `'${text.replaceAll("'", "''")}'`)
    const named = fc.string().map(text => `"${text.replaceAll('"', '""')}"`)
    const said = fc.string().map(text => `/*${text.replaceAll('*/', '')}.*/`)
    fc.assert(
      fc.property(fc.array(fc.oneof(quoted, named, said)), parts => {
        const text = ['select 1', ...parts].join(' ')
        expect(parseStatement(`${text};`)).toBe(text)
        expect(() => parseStatement(`${text}; ${text}`)).toThrow(several)
      }),
    )
  })
})
