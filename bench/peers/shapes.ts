import { mkdirSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'

/** How the values of a column are told to differ, in the words of a contents file: TYPE, FORMAT, and what is in it. */
interface ShapeColumn {
  name: string
  kind: 'text' | 'whole' | 'real' | 'date'
  /** The cell as it stands in the file, quotes included. */
  cell: (random: Random, row: number) => string
}

export interface Shape {
  name: string
  rows: number
  columns: ShapeColumn[]
}

/** Numbers in [0, 1), the same in every run (xorshift, Marsaglia 2003). */
type Random = () => number

function createRandom(): Random {
  let state = 0x2545f491
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 4294967296
  }
}

const below = (random: Random, limit: number): number => Math.floor(random() * limit)
const oneOf = <T>(random: Random, values: readonly T[]): T => values[below(random, values.length)]!
const padded = (value: number, digits: number): string => String(value).padStart(digits, '0')
/** A sum of twelve: near enough to a normal distribution. */
function around(random: Random, mean: number, spread: number): number {
  let sum = -6
  for (let each = 0; each < 12; each++) sum += random()
  return mean + sum * spread
}
const rounded = (value: number, digits: number): string => String(Number(value.toFixed(digits)))
const firstDay = Date.UTC(2020, 0, 1)
const day = (random: Random): string => new Date(firstDay + below(random, 1500) * 86_400_000).toISOString().slice(0, 10)
const hex = (random: Random, digits: number): string => {
  let text = ''
  while (text.length < digits) text += padded(below(random, 0x10000), 5)
  return text.slice(0, digits)
}
const words = ['repeat', 'sample', 'haemolysed', 'not', 'done', 'subject', 'visit', 'late', 'mild', 'resolved', 'daily']
const text = (random: Random, bytes: number): string => {
  let all = ''
  while (all.length < bytes) all += `${oneOf(random, words)} `
  return all
}
const column = (name: string, kind: ShapeColumn['kind'], cell: ShapeColumn['cell']): ShapeColumn => ({
  name,
  kind,
  cell,
})

/** Laboratory results, about 97 bytes a row: what most of a study's bytes look like. */
export function laboratory(rows: number): Shape {
  const subjects = Math.max(10, Math.floor(rows / 200))
  const tests = ['ALT', 'AST', 'BILI', 'CREAT', 'GLUC', 'HGB', 'PLAT', 'WBC']
  const names = ['Alanine Aminotransferase', 'Aspartate Aminotransferase', '"Bilirubin, total"', 'Creatinine']
  const comments = ['"haemolysed sample, repeat"', 'ok', '"see ""note"" 3"']
  let subject = 0
  const columns = [
    column('STUDYID', 'text', () => 'ILMS-01'),
    column('USUBJID', 'text', random => {
      subject = below(random, subjects)
      return `ILMS-01-${padded(subject, 6)}`
    }),
    column('SITEID', 'text', () => padded(Math.floor(subject / 50), 4)),
    column('VISITNUM', 'whole', random => String(1 + below(random, 29))),
    column('LBSEQ', 'whole', (_, row) => String(row)),
    column('LBTESTCD', 'text', random => oneOf(random, tests)),
    column('LBTEST', 'text', random => oneOf(random, names)),
    column('LBORRES', 'real', random => rounded(around(random, 50, 20), 3)),
    column('LBSTRESN', 'real', random => rounded(around(random, 50, 20), 6)),
    column('LBDT', 'date', day),
    column('LBBLFL', 'text', random => (random() < 0.1 ? 'Y' : '')),
    column('LBCOM', 'text', random => (random() < 0.7 ? '' : oneOf(random, comments))),
  ]
  return { name: `laboratory, ${rows.toLocaleString('en')} rows`, rows, columns }
}

/** 300 columns of few distinct texts, whole and real numbers by turns. */
export function wide(rows: number): Shape {
  const columns = Array.from({ length: 300 }, (_, at) => {
    if (at % 3 === 0) return column(`C${at}`, 'text', random => `code-${below(random, 20)}`)
    if (at % 3 === 1) return column(`C${at}`, 'whole', random => String(below(random, 100_000)))
    return column(`C${at}`, 'real', random => rounded(around(random, 50, 20), 2))
  })
  return { name: 'wide, 300 columns', rows, columns }
}

/** A comment of about a kilobyte, seldom twice the same. */
export function longText(rows: number): Shape {
  const columns = [
    column('USUBJID', 'text', (_, row) => `ILMS-01-${padded(row >> 3, 6)}`),
    column('COSEQ', 'whole', (_, row) => String(row & 7)),
    column('COVAL', 'text', random => text(random, 200 + below(random, 1600))),
  ]
  return { name: 'long text', rows, columns }
}

/** Five texts a row, no two alike. */
export function distinctText(rows: number): Shape {
  const columns = Array.from({ length: 5 }, (_, at) =>
    column(`ID${at}`, 'text', (random, row) => `${at}-${hex(random, 12)}-${row}`),
  )
  return { name: 'many distinct values', rows, columns }
}

/** Every cell in quotes; line breaks and doubled quotes in many. */
export function quoted(rows: number): Shape {
  const quotedText = (random: Random): string => {
    const bytes = 10 + below(random, 60)
    const inner = text(random, bytes)
    const at = below(random, bytes)
    const between = oneOf(random, ['\n', '""', ', ', ' ', '\n'])
    return `"${inner.slice(0, at)}${between}${inner.slice(at)}"`
  }
  const columns = [
    column('USUBJID', 'text', (_, row) => `"ILMS-01-${padded(row >> 4, 6)}"`),
    column('AESEQ', 'whole', (_, row) => `"${row & 15}"`),
    column('AETERM', 'text', random => `"${oneOf(random, words)}"`),
    column('AECOM', 'text', quotedText),
    column('AESTDTC', 'date', random => `"${day(random)}"`),
  ]
  return { name: 'quotes and line breaks', rows, columns }
}

/** Nine cells of ten are empty. */
export function nulls(rows: number): Shape {
  const { columns } = laboratory(rows)
  return {
    name: 'nulls, 90 %',
    rows,
    columns: [
      ...columns.slice(0, 2),
      ...columns.slice(2).map(each =>
        column(each.name, each.kind, (random, row) => {
          const cell = each.cell(random, row)
          return random() < 0.9 ? '' : cell
        }),
      ),
    ],
  }
}

/** Writes `data.csv` and `contents.csv` of a shape into a folder; returns their paths and the bytes of the first. */
export async function writeShape(
  shape: Shape,
  folder: string,
): Promise<{ csv: string; contents: string; bytes: number }> {
  mkdirSync(folder, { recursive: true })
  const contents = join(folder, 'contents.csv')
  const formats = { text: '', whole: '8.', real: '', date: 'E8601DA.' }
  const lines = shape.columns.map(({ name, kind }, at) =>
    ['DATA', name, kind === 'text' ? 2 : 1, kind === 'text' ? 200 : 8, at + 1, name, formats[kind]].join(','),
  )
  writeFileSync(contents, `${['MEMNAME,NAME,TYPE,LENGTH,VARNUM,LABEL,FORMAT', ...lines].join('\n')}\n`)
  const csv = join(folder, 'data.csv')
  const file = await open(csv, 'w')
  const random = createRandom()
  let bytes = 0
  let block = `${shape.columns.map(({ name }) => name).join(',')}\n`
  for (let row = 0; row < shape.rows; row++) {
    for (let at = 0; at < shape.columns.length; at++) {
      block += at === 0 ? '' : ','
      block += shape.columns[at]!.cell(random, row)
    }
    block += '\n'
    if (block.length > 1 << 20 || row === shape.rows - 1) {
      const { bytesWritten } = await file.write(block)
      bytes += bytesWritten
      block = ''
    }
  }
  await file.close()
  return { csv, contents, bytes }
}
