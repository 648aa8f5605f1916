import { beforeEach, describe, expect, it } from 'vitest'
import { checkKeys } from '../../../lib/gate/rule-keys.ts'
import type { VersionView } from '../../../lib/gate/view.ts'
import { keyOfAddress } from '../../../lib/layout.ts'
import { readColumns } from '../../../lib/parquet/read.ts'
import { batchRows, type Cell } from '../../support/columns.ts'
import { type GateBed, makeGateBed, tableOf } from '../../support/gate-bed.ts'

let bed: GateBed
let view: VersionView
// Verdicts are kept in the store, so every test has its own.
beforeEach(async () => {
  bed = await makeGateBed()
  view = bed.view()
  bed.store.calls.length = 0
})

const check = (except: string[] = []) => checkKeys({ lake: bed.store }, view, { except: new Set(except) })
async function rowsOf(name: string): Promise<Cell[][]> {
  const { files, fields } = tableOf(view, name)
  return batchRows(readColumns(bed.store, keyOfAddress('lake', files[0]!.address)!, { fields }))
}
/** Changes the rows of a table. */
async function change(name: string, to: (rows: Cell[][]) => Cell[][]): Promise<void> {
  await bed.refill(tableOf(view, name), to(await rowsOf(name)))
}
const withCell = (row: number, column: number, cell: Cell) => (rows: Cell[][]) =>
  rows.with(row, rows[row]!.with(column, cell))
const readFiles = () =>
  new Set(
    bed.store.calls.filter(({ method, key }) => method === 'get' && key.endsWith('.parquet')).map(({ key }) => key),
  )
const verdicts = () => [...bed.store.objects.keys()].filter(key => key.startsWith('attest/bed/files/')).length

const inTable = (code: string, table: string, message: string, found = '1') => ({
  code,
  table,
  message,
  found,
  expected: '0',
})
const inBase = (code: string, column: string, message: string, found = '1') => ({
  ...inTable(code, 'base.dm', message, found),
  column,
})
const unknown = 'rows hold a key that the key table does not know'
const wrong = 'rows hold the key of another natural key'
const missing = 'rows have a natural key and no key'
const without = 'rows have a key, and a part of the natural key is null'

it('finds nothing in what is lawful, and keeps that it did', async () => {
  expect(await check()).toEqual([])
  // Two key tables, and the base tables of dm and ae: tv has no entity.
  expect(verdicts()).toBe(4)
  expect(readFiles().size).toBe(4)
  bed.store.calls.length = 0
  expect(await check()).toEqual([])
  expect(readFiles().size).toBe(0)
})

describe('key tables', () => {
  it('hold a key once', async () => {
    await change('keys.site', withCell(1, 1, 1n))
    expect(await check(['base.dm'])).toEqual([inTable('key-duplicate', 'keys.site', 'rows repeat a surrogate key')])
  })

  it('hold a natural key once', async () => {
    await change('keys.site', withCell(1, 0, 'S1'))
    expect(await check(['base.dm'])).toEqual([
      inTable('natural-key-duplicate', 'keys.site', 'rows repeat a natural key'),
    ])
  })

  it('are counted over all their rows and files', async () => {
    const keys = tableOf(view, 'keys.patient')
    const [first] = keys.files
    const more = await bed.refill(keys, [
      ['P1', 4n, 'v2'],
      ['P1', 4n, 'v2'],
      ['P9', 3n, 'v2'],
    ])
    keys.files = [first!, more]
    expect(await check(['base.dm', 'base.ae'])).toEqual([
      inTable('key-duplicate', 'keys.patient', 'rows repeat a surrogate key', '2'),
      inTable('natural-key-duplicate', 'keys.patient', 'rows repeat a natural key', '2'),
    ])
  })

  it('may have a key of several parts, which are told apart', async () => {
    const keys = tableOf(view, 'keys.site')
    const part = { ...keys.fields[0]!, id: 99, name: 'VISITNUM' }
    const of = async (rows: Cell[][]) => {
      keys.fields = [part, ...bed.view().tables.find(({ name }) => name === 'keys.site')!.fields]
      await bed.refill(keys, rows, keys.fields)
      return check(['base.dm'])
    }
    expect(
      await of([
        ['a', 'b', 1n, 'v1'],
        ['a', 'c', 2n, 'v1'],
        ['b', 'b', 3n, 'v1'],
      ]),
    ).toEqual([])
    expect(
      await of([
        ['a', 'b', 1n, 'v1'],
        ['a', 'b', 2n, 'v1'],
      ]),
    ).toMatchObject([{ code: 'natural-key-duplicate', found: '1' }])
  })

  it('are not judged where they are not to be read, nor what hangs on them', async () => {
    await change('keys.site', withCell(1, 1, 1n))
    await change('keys.patient', withCell(1, 1, 1n))
    bed.store.calls.length = 0
    expect(await check(['keys.site', 'keys.patient'])).toEqual([])
    expect(readFiles().size).toBe(0)
  })
})

describe('keys of base tables', () => {
  it('are known to the key table', async () => {
    await change('base.dm', withCell(0, 3, 99n))
    expect(await check()).toEqual([inBase('key-unknown', 'patient_key', unknown)])
  })

  it('are those of their own natural keys', async () => {
    await change('base.dm', rows => withCell(1, 3, 1n)(withCell(0, 3, 2n)(rows)))
    expect(await check()).toEqual([inBase('key-wrong', 'patient_key', wrong, '2')])
  })

  it('are there where the natural key is', async () => {
    await change('base.dm', withCell(2, 4, null))
    expect(await check()).toEqual([inBase('key-missing', 'site_key', missing)])
  })

  it('are not there where a part of the natural key is null', async () => {
    await change('base.dm', withCell(1, 4, 2n))
    expect(await check()).toEqual([inBase('key-without-natural-key', 'site_key', without)])
    // That the key is no key at all says more.
    await change('base.dm', withCell(1, 4, 99n))
    expect(await check()).toEqual([inBase('key-unknown', 'site_key', unknown)])
  })

  it('are judged column by column, each fault by itself', async () => {
    await change('base.dm', rows => withCell(0, 3, 99n)(withCell(1, 3, null)(withCell(0, 4, 2n)(rows))))
    expect(await check()).toEqual([
      inBase('key-unknown', 'patient_key', unknown),
      inBase('key-missing', 'patient_key', missing),
      inBase('key-wrong', 'site_key', wrong),
    ])
  })

  it('are read from all files of the table', async () => {
    const base = tableOf(view, 'base.ae')
    const [first] = base.files
    base.files = [first!, await bed.refill(base, [['P2', 'Cough', 3n]])]
    expect(await check()).toEqual([{ ...inBase('key-wrong', 'patient_key', wrong), table: 'base.ae' }])
  })

  it('of entities whose key table is not there are not judged, those of others are', async () => {
    await change('base.dm', rows => withCell(0, 3, 99n)(withCell(0, 4, 99n)(rows)))
    expect(await check(['keys.patient'])).toEqual([inBase('key-unknown', 'site_key', unknown)])
    view.tables = view.tables.filter(({ name }) => name !== 'keys.site')
    expect(await check(['keys.patient'])).toEqual([])
  })

  it('are not judged where the table is not to be read, has no such column, or nothing says what they are', async () => {
    await change('base.dm', withCell(0, 3, 99n))
    expect(await check(['base.dm'])).toEqual([])
    const { record } = view
    delete view.record
    expect(await check()).toEqual([])
    view.record = record
    const base = tableOf(view, 'base.dm')
    base.fields = base.fields.filter(({ name }) => !name.endsWith('_key'))
    expect(await check()).toEqual([])
  })

  it('of another type are for other rules to judge, and keep none from being judged', async () => {
    const base = tableOf(view, 'base.dm')
    const rows = await rowsOf('base.dm')
    base.fields[3]!.type = { kind: 'string' }
    await bed.refill(base, rows.map(row => row.with(3, 'x')).with(0, ['P1', 'S1', 61, 'x', 2n]), base.fields)
    expect(await check()).toEqual([inBase('key-wrong', 'site_key', wrong)])
  })

  it('are judged again where a key table is another, and not where one is that they do not have', async () => {
    expect(await check()).toEqual([])
    const before = verdicts()
    const site = tableOf(view, 'keys.site')
    await bed.refill(site, [...(await rowsOf('keys.site')), ['S3', 3n, 'v2']])
    expect(await check()).toEqual([])
    // The key table itself and dm, which has sites; ae has none.
    expect(verdicts()).toBe(before + 2)
  })

  it('lie in files of the lake; others are not read', async () => {
    tableOf(view, 'base.dm').files[0]!.address = 's3://elsewhere/data/bed/base/dm/a.parquet'
    expect(await check()).toEqual([])
  })
})
