import { beforeEach, describe, expect, it } from 'vitest'
import type { Field } from '../../../lib/fields.ts'
import { checkFiles } from '../../../lib/gate/rule-files.ts'
import type { VersionTable, VersionView } from '../../../lib/gate/view.ts'
import type { LiveFile } from '../../../lib/iceberg/verify-table.ts'
import { address, dataKey } from '../../../lib/layout.ts'
import type { Cell } from '../../support/columns.ts'
import { type GateBed, makeGateBed, tableOf } from '../../support/gate-bed.ts'

let bed: GateBed
let view: VersionView
let dm: VersionTable
let file: LiveFile
beforeEach(async () => {
  bed = await makeGateBed()
  view = bed.view()
  dm = tableOf(view, 'raw.dm')
  file = dm.files[0]!
  bed.store.calls.length = 0
})

const key = dataKey('bed', 'raw', 'dm', 'raw-dm')
const place = address('lake', key)
/** Judged as a version's tables, or as anybody's. */
const exactly = () => checkFiles({ lake: bed.store }, view, view.tables)
const loosely = () => {
  const tables = view.tables.map(({ fields: _, ...table }) => table)
  return checkFiles({ lake: bed.store }, { ...view, tables })
}
const both = async () => {
  const found = await exactly()
  expect(await loosely()).toEqual(found)
  return found
}
const of = (code: string, message: string, difference: object = {}) => [
  { code, table: 'raw.dm', message, ...difference },
]
const rows: Cell[][] = [
  ['P1', 'S1', 61],
  ['P2', null, null],
  ['P3', 'S2', 47],
]

it('has nothing against files that are what their tables say', async () => {
  expect(await both()).toEqual([])
})

describe('a file', () => {
  it('is Parquet', async () => {
    file.format = 'ORC'
    const message = `${place} is of a format that the gate cannot judge: write Parquet (write.format.default)`
    expect(await both()).toEqual(of('file-format', message, { expected: 'PARQUET', found: 'ORC' }))
  })

  it('exists', async () => {
    await bed.store.delete(key)
    expect(await both()).toEqual(of('file-missing', `${place} does not exist`))
  })

  it('that goes between a look and the next does not exist either', async () => {
    const { store } = bed
    const going = {
      ...store,
      async head(asked: string) {
        const info = await store.head(asked)
        if (asked === key) store.objects.delete(key)
        return info
      },
    }
    const found = await checkFiles({ lake: going }, view, view.tables)
    expect(found).toEqual(of('file-missing', `${place} does not exist`))
  })

  it('has its size', async () => {
    const { size } = (await bed.store.head(key))!
    file.bytes = size + 1
    expect(await both()).toEqual(
      of('file-size', `${place} has another size`, { expected: `${size + 1} bytes`, found: `${size} bytes` }),
    )
  })

  it('can be read, and where it cannot be asked for there is no verdict', async () => {
    await bed.store.put(key, new Uint8Array(file.bytes))
    const found = await both()
    expect(found).toEqual(of('file-unreadable', expect.stringContaining(key) as unknown as string))
    const failure = new TypeError('terminated')
    const failing = { ...bed.store, get: () => Promise.reject(failure) }
    await expect(checkFiles({ lake: failing }, view, view.tables)).rejects.toBe(failure)
  })

  it('has its rows, besides what else is wrong with it', async () => {
    file.rows = 4
    const wrong = of('file-rows', `${place} has another row count`, { expected: '4', found: '3' })
    expect(await both()).toEqual(wrong)
    dm.fields[2]!.type = { kind: 'bigint' }
    expect(await exactly()).toEqual([
      {
        ...of('footer-type', '')[0],
        column: 'AGE',
        message: 'the footer of raw-dm.parquet has another type',
        expected: 'bigint',
        found: 'integer',
      },
      ...wrong,
    ])
  })

  it('that lies outside the study is not looked into', async () => {
    file.address = 's3://lake/data/other/raw/dm/a.parquet'
    expect(await both()).toEqual([])
    expect(bed.store.calls.some(({ key: asked }) => asked.startsWith('data/other'))).toBe(false)
    file.address = 's3://elsewhere/data/bed/raw/dm/a.parquet'
    expect(await both()).toEqual([])
  })

  it('is read once while it stays what it is', async () => {
    await exactly()
    const reads = () => bed.store.calls.filter(({ method, key: asked }) => method === 'get' && asked === key).length
    const before = reads()
    expect(before).toBeGreaterThan(0)
    await exactly()
    expect(reads()).toBe(before)
    // Other bytes of the same size.
    const { bytes } = bed.store.objects.get(key)!
    await bed.store.put(key, bytes.with(4, bytes[4]! ^ 1))
    await exactly()
    expect(reads()).toBeGreaterThan(before)
  })

  it('is read anew of another store', async () => {
    await exactly()
    const calls = bed.store.calls.length
    await checkFiles({ lake: { ...bed.store } }, view, view.tables)
    expect(bed.store.calls.slice(calls).some(({ method }) => method === 'get')).toBe(true)
  })

  it('is called by the start of its hash', async () => {
    const hash = '0123456789ab'.padEnd(64, 'c')
    const named = async (name: string, column: Field) => {
      const data = await bed.refill(dm, rows, [dm.fields[0]!, dm.fields[1]!, column])
      const { bytes } = bed.store.objects.get(data.address.slice('s3://lake/'.length))!
      await bed.store.put(`data/bed/raw/dm/${name}`, bytes)
      data.address = address('lake', `data/bed/raw/dm/${name}`)
      return (await exactly()).map(({ message }) => message)
    }
    const other: Field = { ...dm.fields[2]!, type: { kind: 'bigint' } }
    expect(await named(`${hash}.parquet`, other)).toEqual(['the footer of 0123456789ab….parquet has another type'])
    expect(await named(`x${hash}.parquet`, other)).toEqual([`the footer of x${hash}.parquet has another type`])
    expect(await named(`${hash.slice(1)}.parquet`, other)).toEqual([
      `the footer of ${hash.slice(1)}.parquet has another type`,
    ])
  })
})

describe('columns', () => {
  it('of a version are exactly those of the table', async () => {
    await bed.refill(
      dm,
      rows.map(row => row.slice(0, 2)),
      dm.fields.slice(0, 2),
    )
    const found = await exactly()
    expect(found).toMatchObject([{ code: 'footer-column-missing', table: 'raw.dm', column: 'AGE' }])
    // An optional column that a file lacks reads as null.
    expect(await loosely()).toEqual([])
  })

  it('of people’s tables are as engines read them', async () => {
    await bed.refill(
      dm,
      rows.map(row => row.slice(1)),
      dm.fields.slice(1),
    )
    const lacks = {
      code: 'footer-column-missing',
      table: 'raw.dm',
      column: 'USUBJID',
      message: expect.stringMatching(/^the footer of filled-\d+\.parquet lacks a required column$/),
    }
    expect(await loosely()).toEqual([lacks])
    // The partition has its value.
    dm.metadata['partition-specs'] = [
      { 'spec-id': 3, fields: [{ 'source-id': 1, transform: 'bucket[4]' }] },
      { 'spec-id': 0, fields: [{ 'source-id': 1, transform: 'identity' }] },
    ]
    dm.files[0]!.specId = 0
    expect(await loosely()).toEqual([])
    // A bucket of it is not the value.
    dm.files[0]!.specId = 3
    expect(await loosely()).toEqual([lacks])
    dm.files[0]!.specId = 9
    expect(await loosely()).toEqual([lacks])
  })

  it('differences say what was expected and found', async () => {
    await bed.refill(dm, rows, [dm.fields[0]!, dm.fields[1]!, { ...dm.fields[2]!, type: { kind: 'double' } }])
    expect(await loosely()).toMatchObject(
      [
        {
          code: 'footer-type',
          column: 'AGE',
          expected: 'int',
          found: 'double',
          message: /^the footer of .* has another type$/,
        },
      ].map(({ message, ...rest }) => ({ ...rest, message: expect.stringMatching(message) })),
    )
  })
})

describe('delete files', () => {
  const path: Field = { id: 2147483546, name: 'file_path', type: { kind: 'string' }, nullable: false }
  const pos: Field = { id: 2147483545, name: 'pos', type: { kind: 'bigint' }, nullable: false }
  /** What is said of a delete file with these columns beside the table's data file. */
  async function judge(content: 1 | 2, fields: Field[], row: Cell[], equalityIds: number[] = []) {
    const data = dm.files[0]!
    const deletes = await bed.refill(dm, [row], fields)
    dm.files = [data, { ...deletes, content, equalityIds }]
    const found = await both()
    return found.map(({ code, table, message }) => {
      expect([code, table]).toEqual(['delete-file-columns', 'raw.dm'])
      return message.replace(/^the footer of filled-\d+\.parquet /, '')
    })
  }
  const lacks = (id: number) => `lacks the column of field id ${id}`

  it('by position have the file’s path and the position', async () => {
    expect(await judge(1, [path, pos], ['a', 1n])).toEqual([])
    expect(await judge(1, [path], ['a'])).toEqual([lacks(2147483545)])
    expect(await judge(1, [pos], [1n])).toEqual([lacks(2147483546)])
    // Columns of the table are none of theirs.
    expect(await judge(1, [path, pos], ['a', 1n], [77])).toEqual([])
  })

  it('by equality have the columns that they compare, and compare some', async () => {
    const [usubjid] = dm.fields
    expect(await judge(2, [usubjid!], ['P1'], [1])).toEqual([])
    expect(await judge(2, [usubjid!], ['P1'], [1, 2])).toEqual([lacks(2)])
    expect(await judge(2, [usubjid!], ['P1'])).toEqual(['names no columns to compare'])
    expect(await judge(2, [{ ...usubjid!, id: 77 }], ['P1'], [77])).toEqual([
      'compares field id 77, which the table never had',
    ])
    expect(await judge(2, [path, pos], ['a', 1n], [78])).toEqual([
      lacks(78),
      'compares field id 78, which the table never had',
    ])
  })

  it('have their rows, like all others', async () => {
    const data = dm.files[0]!
    const deletes = await bed.refill(dm, [['a', 1n]], [path, pos])
    dm.files = [data, { ...deletes, content: 1, rows: 2 }]
    expect(await both()).toMatchObject([{ code: 'file-rows', expected: '2', found: '1' }])
  })
})
