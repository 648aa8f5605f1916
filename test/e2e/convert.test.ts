import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildStandalone } from '../../bin/build.ts'
import { parseContents } from '../../lib/contents/parse.ts'
import { convertCsv, defaultPartBytes } from '../../lib/convert/convert-csv.ts'

const contents = 'dataset,field,type\nlb,ID,string\nlb,N,bigint\nlb,NOTE,string\n'
let folder: string
let program: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studylake-convert-'))
  program = await buildStandalone(join(folder, 'dist', 'studylake.mjs'))
  await writeFile(join(folder, 'contents.csv'), contents)
  await mkdir(join(folder, 'out'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise(resolve => {
    execFile(process.execPath, [program, ...args], { cwd: folder }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    )
  })
}

const convert = (file: string, ...more: string[]) => run('convert', file, '--contents', 'contents.csv', ...more)

describe('the built program', () => {
  it('converts a file of several parts into the bytes of the library, with one thread and with two', async () => {
    const line = (row: number) => `P${row % 900},${row},"note ""${row % 7}"",\nsecond line ${'x'.repeat(row % 60)}"\n`
    const rows = Math.ceil((1.2 * defaultPartBytes) / 60)
    const csv = `ID,N,NOTE\n${Array.from({ length: rows }, (_, row) => line(row)).join('')}`
    await writeFile(join(folder, 'lb.csv'), csv)
    const { fields } = parseContents(Buffer.from(contents), { file: 'contents.csv' }).datasets[0]
    const pieces: Uint8Array[] = []
    const { body, result } = convertCsv({
      body: (async function* () {
        yield Buffer.from(csv)
      })(),
      file: 'lb.csv',
      fields,
    })
    for await (const piece of body) pieces.push(new Uint8Array(piece))
    expect(result().parquet.rowGroups).toBeGreaterThan(1)
    for (const threads of ['1', '2']) {
      const ended = await convert('lb.csv', '--out', `out/${threads}.parquet`, '--threads', threads, '--json')
      expect(ended).toMatchObject({ code: 0, stderr: '' })
      expect(JSON.parse(ended.stdout)).toMatchObject({ converted: true, rowsOut: rows, rowsRejected: 0 })
      const bytes = await readFile(join(folder, 'out', `${threads}.parquet`))
      expect(bytes.equals(Buffer.concat(pieces))).toBe(true)
    }
  })

  it('leaves nothing of a file that may not become a table, and says where it is wrong', async () => {
    await writeFile(join(folder, 'bad.csv'), 'ID,N,NOTE\nP1,1,x\nP2,secret,y\n')
    const ended = await convert('bad.csv', '--dataset', 'LB', '--out', 'out/bad.parquet')
    expect(ended.code).toBe(1)
    expect(ended.stdout).toContain('bad.csv, row 2, column N')
    expect(ended.stdout).not.toContain('secret')
    expect(await readdir(join(folder, 'out'))).not.toContainEqual(expect.stringContaining('bad'))
  })

  it('says how it is called, and what is wrong with a call', async () => {
    expect((await run('convert', '--help')).stdout).toContain('--contents')
    expect(await run('convert', 'nowhere.csv', '--contents', 'contents.csv', '--out', 'x')).toMatchObject({ code: 2 })
    expect(await run('turn')).toMatchObject({ code: 2, stderr: expect.stringContaining('there is no command "turn"') })
    await writeFile(join(folder, 'out', 'there.parquet'), '')
    await writeFile(join(folder, 'small.csv'), 'ID,N,NOTE\nP1,1,x\n')
    const call = ['small.csv', '--dataset', 'lb', '--out', 'out/there.parquet']
    expect(await convert(...(call as [string]))).toMatchObject({ code: 1 })
    expect(await convert(...(call as [string]), '--force')).toMatchObject({ code: 0 })
  })
})
