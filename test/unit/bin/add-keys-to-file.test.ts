import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { addKeysToFile } from '../../../bin/support/add-keys-to-file.ts'
import { CommandError, UsageError } from '../../../bin/support/failure.ts'
import { Rejection } from '../../../lib/errors.ts'
import type { Field, FieldType } from '../../../lib/fields.ts'
import { parseFooter } from '../../../lib/parquet/footer.ts'
import { readColumns } from '../../../lib/parquet/read.ts'
import { footerFields } from '../../../lib/parquet/schema.ts'
import { writeParquetFile } from '../../../lib/parquet/write.ts'
import { batchRows, type Cell, makeBatch } from '../../support/columns.ts'
import { memoryStore } from '../../support/memory-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'studylake-keys-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const freshPath = (): string => join(folder, `${files++}.parquet`)

const field = (id: number, name: string, type: FieldType): Field => ({ id, name, type, nullable: true })
const fields = [
  field(1, 'USUBJID', { kind: 'string' }),
  field(2, 'VISITNUM', { kind: 'double' }),
  field(3, 'AVAL', { kind: 'double' }),
]

async function writeRaw(rows: Cell[][], own = fields, rowGroupRows = 1000): Promise<string> {
  const path = freshPath()
  writeFileSync(path, (await writeParquetFile(own, makeBatch(own, rows), { rowGroupRows })).bytes)
  return path
}

/** All cells of a file by column name. */
async function readFile(path: string): Promise<Record<string, Cell[]>> {
  const bytes = new Uint8Array(readFileSync(path))
  const found = footerFields(parseFooter(bytes)).map(({ id, name, type }) => field(id!, name, type!))
  const rows = await batchRows(readColumns(memoryStore({ objects: { file: bytes } }), 'file', { fields: found }))
  return Object.fromEntries(found.map(({ name }, at) => [name, rows.map(row => row[at]!)]))
}

/** Keys as a plain Map gives them. */
function keysByMap(known: Map<string, bigint>, parts: Cell[][]): (bigint | null)[] {
  return parts.map(row => {
    if (row.includes(null)) return null
    const text = JSON.stringify(row.map(String))
    const key = known.get(text) ?? BigInt(known.size + 1)
    known.set(text, key)
    return key
  })
}

/** Visits of subjects, in order or mixed, some without a number. */
const visits = (rows: number, step: number): Cell[][] =>
  Array.from({ length: rows }, (_, row) => {
    const at = (row * step) % rows
    return [`S-${Math.floor(at / 7)}`, at % 11 === 5 ? null : (at % 5) / 2, at / 3]
  })

describe('keys of a file', () => {
  it.each([1, 17, 101])(
    'are those of a plain map, and the file’s own bytes stay, with rows mixed by %s',
    async step => {
      const rows = visits(2600, step)
      const raw = await writeRaw(rows)
      const base = freshPath()
      const report = await addKeysToFile({ raw, base })
      expect([report.rows, report.rowGroups]).toEqual([2600, 3])
      const cells = await readFile(base)
      expect(cells.patient_key).toEqual(
        keysByMap(
          new Map(),
          rows.map(([subject]) => [subject!]),
        ),
      )
      expect(cells.visit_key).toEqual(
        keysByMap(
          new Map(),
          rows.map(([subject, visit]) => [subject!, visit!]),
        ),
      )
      expect(cells.AVAL).toEqual(rows.map(row => row[2]))
      const before = readFileSync(raw)
      expect(Buffer.compare(readFileSync(base).subarray(0, before.length), before)).toBe(0)
      expect(report.bytes.written).toBe(readFileSync(base).length)
      expect(report.keys.map(({ nullRows }) => nullRows)).toEqual([0, rows.filter(row => row[1] === null).length])
      expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
    },
  )

  it('takes pages of indices over where a subject’s rows are mixed', async () => {
    const rows = Array.from({ length: 6000 }, (_, row): Cell[] => {
      const mixed = Math.imul(row, 2_654_435_761) >>> 9
      return [row % 50 === 3 ? null : `S-${mixed % 61}`, mixed % 4, 1]
    })
    const raw = await writeRaw(rows, fields, 3000)
    const base = freshPath()
    const report = await addKeysToFile({ raw, base })
    expect(report.keys[0]!.reusedBytes).toBeGreaterThan(0)
    expect(report.keys[1]!.reusedBytes).toBe(0)
    const cells = await readFile(base)
    expect(cells.patient_key).toEqual(
      keysByMap(
        new Map(),
        rows.map(([subject]) => [subject!]),
      ),
    )
    const view = parseFooter(new Uint8Array(readFileSync(base))).row_groups.map(
      group => group.columns.at(-2)!.meta_data!.statistics,
    )
    expect(view.map(found => [found!.min_value, found!.max_value, found!.null_count])).toEqual([
      [1n, 61n, 60n],
      [1n, 61n, 60n],
    ])
  })

  it('go on from a map, which keeps every key and gets the new ones', async () => {
    const map = freshPath()
    const known = new Map<string, bigint>()
    for (const rows of [visits(300, 1), visits(900, 17), visits(100, 3)]) {
      const base = freshPath()
      await addKeysToFile({ raw: await writeRaw(rows), base, map })
      expect((await readFile(base)).visit_key).toEqual(
        keysByMap(
          known,
          rows.map(([subject, visit]) => [subject!, visit!]),
        ),
      )
    }
    const cells = await readFile(map)
    const stored = cells.surrogate_key!.filter((_, row) => cells.entity![row] === 'visit')
    expect(stored).toEqual([...known.values()])
    expect(existsSync(`${map}.lock`)).toBe(false)
  })

  it('compares numbers by value, and refuses a type that cannot be compared or does not hold what is new', async () => {
    const map = freshPath()
    const visitOnly = [{ name: 'visit', naturalKey: ['VISITNUM'], required: false }]
    const rawOf = (type: FieldType, ...cells: Cell[]) =>
      writeRaw(
        cells.map(cell => [cell]),
        [field(1, 'VISITNUM', type)],
      )
    const keys = async (raw: string) => {
      const base = freshPath()
      await addKeysToFile({ raw, base, map, entities: visitOnly })
      return (await readFile(base)).visit_key
    }
    expect(await keys(await rawOf({ kind: 'bigint' }, 3n, 1n))).toEqual([1n, 2n])
    expect(await keys(await rawOf({ kind: 'double' }, 1, 3))).toEqual([2n, 1n])
    expect(await keys(await rawOf({ kind: 'decimal', precision: 6, scale: 2 }, 300, 700))).toEqual([1n, 3n])
    await expect(keys(await rawOf({ kind: 'string' }, '1'))).rejects.toThrow(Rejection)
    await expect(keys(await rawOf({ kind: 'double' }, 1.5))).rejects.toThrow(Rejection)
    expect(existsSync(`${map}.lock`)).toBe(false)
    expect(await keys(await rawOf({ kind: 'integer' }, 7, 8))).toEqual([3n, 4n])
  })

  it('of other entities in a map stay, and a natural key cannot change', async () => {
    const map = freshPath()
    const raw = await writeRaw(visits(50, 1))
    const patient = { name: 'patient', naturalKey: ['usubjid'], required: false }
    await addKeysToFile({ raw, base: freshPath(), map, entities: [patient] })
    const before = await readFile(map)
    await addKeysToFile({
      raw,
      base: freshPath(),
      map,
      entities: [{ name: 'value', naturalKey: ['AVAL'], required: false }],
    })
    const after = await readFile(map)
    expect(after.surrogate_key!.slice(0, before.entity!.length)).toEqual(before.surrogate_key)
    expect(new Set(after.entity)).toEqual(new Set(['patient', 'value']))
    await expect(
      addKeysToFile({ raw, base: freshPath(), map, entities: [{ ...patient, naturalKey: ['USUBJID', 'VISITNUM'] }] }),
    ).rejects.toThrow('has keys of patient by')
  })
})

describe('a file that cannot be given keys', () => {
  it('is told why, and nothing is left behind', async () => {
    const raw = await writeRaw(visits(20, 1))
    const base = freshPath()
    const link = freshPath()
    symlinkSync(raw, link)
    await expect(addKeysToFile({ raw, base: raw })).rejects.toThrow(UsageError)
    await expect(addKeysToFile({ raw, base: link })).rejects.toThrow('is the file that is read')
    await expect(addKeysToFile({ raw, base: folder })).rejects.toThrow('is a folder')
    await expect(addKeysToFile({ raw, base, map: raw })).rejects.toThrow('is the file that is read')
    await expect(addKeysToFile({ raw, base, map: base })).rejects.toThrow('are both')
    await expect(addKeysToFile({ raw: join(folder, 'none'), base })).rejects.toThrow('does not exist')
    await expect(addKeysToFile({ raw: folder, base })).rejects.toThrow(CommandError)
    const entity = { name: 'site', naturalKey: ['SITE'], required: false }
    await expect(addKeysToFile({ raw, base, entities: [entity] })).rejects.toThrow('has no column SITE')
    const strict = { name: 'visit', naturalKey: ['VISITNUM'], required: true }
    await expect(addKeysToFile({ raw, base, entities: [strict] })).rejects.toThrow('which is required')
    const other = await writeRaw([[1]], [field(1, 'X', { kind: 'integer' })])
    await expect(addKeysToFile({ raw: other, base })).rejects.toThrow('--entity')
    const keyed = freshPath()
    await addKeysToFile({ raw, base: keyed })
    await expect(addKeysToFile({ raw: keyed, base })).rejects.toThrow('patient_key already')
    writeFileSync(`${base}.map.lock`, '1')
    await expect(addKeysToFile({ raw, base, map: `${base}.map` })).rejects.toThrow('in use by another run')
    await expect(addKeysToFile({ raw, base, map: keyed })).rejects.toThrow('is no key map')
    const broken = freshPath()
    writeFileSync(broken, readFileSync(raw).subarray(0, 300))
    await expect(addKeysToFile({ raw: broken, base })).rejects.toThrow('no whole Parquet file')
    expect(existsSync(base)).toBe(false)
    expect(readdirSync(folder).filter(name => name.endsWith('.tmp'))).toEqual([])
  })
})
