import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const project = resolve(import.meta.dirname, '..', '..')
const sample = join(project, 'sample')
const launcher = join(project, 'bin', 'studylake.mjs')

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function start(args: string[], { cwd = folder, env = {} }: { cwd?: string; env?: Record<string, string> } = {}) {
  const { INIT_CWD: _, ...inherited } = process.env
  const child = spawn(process.execPath, [launcher, ...args], { cwd, env: { ...inherited, ...env } })
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk))
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk))
  return { child, output }
}

/** Runs the real command line to its end. Whatever happens, nobody is shown a stack trace. */
async function studylake(args: string[], options: Parameters<typeof start>[1] = {}) {
  const { child, output } = start(args, options)
  const [code] = (await once(child, 'close')) as [number]
  expect(output.stderr).not.toMatch(/^\s+at /m)
  return { code, ...output }
}

/** With --json: the one document on stdout. */
async function json<Document>(args: string[]): Promise<{ code: number; document: Document }> {
  const { code, stdout } = await studylake([...args, '--json'])
  return { code, document: JSON.parse(stdout) as Document }
}

const load = (data: string, version: string, path: string, ...more: string[]) => [
  'run',
  path,
  '--study',
  'ilms',
  '--version',
  version,
  '--data',
  data,
  ...more,
]

describe('the sample, as npm start shows it', () => {
  let data: string
  beforeAll(async () => {
    data = join(folder, 'sample')
    const { code, stdout, stderr } = await studylake(['sample', '--exit', '--data', data])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/v1 +fewer datasets +[0-9a-f]{16} +2 +41 +41 +0 +41 +0 +\d/)
    expect(stdout).toMatch(/v2 +fewer columns +[0-9a-f]{16} +5 +530 +530 +0 +144 +41 +\d/)
    expect(stdout).toMatch(/v3 +fewer rows +[0-9a-f]{16} +5 +353 +353 +0 +0 +125 +\d/)
    expect(stdout).toMatch(/v4 +all of it +[0-9a-f]{16} +5 +530 +530 +0 +0 +185 +\d/)
    expect(stdout).toMatch(/rejected[\s\S]*lab_results\.csv, row 137, column RESULT:/)
    expect(stdout).toMatch(
      /refused \(HTTP 412\)[\s\S]*raw\.lab_results, column RESULT:[\s\S]*expected double, found string/,
    )
    expect(stdout).toContain('npm run -s studylake -- show ilms@v4')
    expect(code).toBe(0)
  })

  test('a second start finds everything there', async () => {
    const { code, stdout } = await studylake(['sample', '--exit', '--data', data])
    expect(stdout.match(/there already/g)).toHaveLength(4)
    expect(code).toBe(0)
  })

  test('status lists the versions, or tells of one', async () => {
    const all = await json<{ version: string; status: string }[]>(['status', '--data', data])
    expect(all.code).toBe(0)
    expect(all.document.map(({ version, status }) => `${version} ${status}`)).toEqual([
      'v1 committed',
      'v2 committed',
      'v3 committed',
      'v4 committed',
      'v5 rejected',
    ])
    const text = await studylake(['status', 'ilms', '--data', data])
    expect(text.stdout).toMatch(/ilms +v5 +rejected +5 +529 +1 problem/)
    expect((await studylake(['status', 'ilms', 'v4', '--data', data])).code).toBe(0)
    const one = await studylake(['status', 'ilms', 'v5', '--data', data])
    expect(one.code).toBe(1)
    expect(one.stdout).toContain('Correct the files and load the version again.')
    const none = await studylake(['status', 'ilms', 'v9', '--data', data])
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('no version of ilms v9 was ever uploaded')])
  })

  test('show names tables, columns, types, rows and files', async () => {
    const { document } = await json<{
      commit: string
      tables: { table: string; rows: number; columns: { name: string; type: string }[]; files: { address: string }[] }[]
    }>(['show', 'ilms@v4', '--data', data])
    expect(document.commit).toMatch(/^[0-9a-f]{64}$/)
    expect(document.tables.map(({ table, rows }) => `${table} ${rows}`)).toEqual(
      expect.arrayContaining(['raw.patients 36', 'base.patients 36', 'keys.patient 36']),
    )
    const [base] = document.tables.filter(({ table }) => table === 'base.lab_results')
    expect(base!.columns.map(({ name, type }) => `${name} ${type}`)).toEqual(
      expect.arrayContaining(['COST_EUR decimal(8,2)', 'FASTING boolean', 'patient_key bigint', 'visit_key bigint']),
    )
    const key = base!.files[0]!.address.replace('s3://', '')
    expect(existsSync(join(data, key))).toBe(true)

    const text = await studylake(['show', `ilms@${document.commit.slice(0, 12)}`, 'raw.patients', '--data', data])
    expect(text.stdout).toMatch(/BIRTH_DATE +date +Date of birth/)
    expect(text.stdout).toContain('36 rows, 8 columns')
  })

  test('head prints rows as they were delivered, with their keys', async () => {
    const { document } = await json<Record<string, unknown>[]>([
      'head',
      'ilms@v4',
      'base.lab_results',
      '--rows',
      '2',
      '--data',
      data,
    ])
    const [header, first] = readFileSync(join(sample, 'ilms', 'v4', 'lab_results.csv'), 'utf8').split('\n')
    const cells = Object.fromEntries(header!.split(',').map((name, index) => [name, first!.split(',')[index]!]))
    expect(document).toHaveLength(2)
    expect(document[0]).toMatchObject({
      PATIENT_ID: cells.PATIENT_ID,
      RESULT: Number(cells.RESULT),
      COST_EUR: cells.COST_EUR,
      FASTING: cells.FASTING === 'true',
      patient_key: 1,
      visit_key: 1,
    })
    const text = await studylake(['head', 'ilms@v1', 'raw.locations', '--data', data])
    expect(text.stdout).toContain('Hôpital du Lac')
    expect(text.stdout).toContain('5 of 5 rows')
  })

  test('a reader that goes away early breaks nothing', async () => {
    const { child, output } = start(['show', 'ilms@v4', '--json', '--data', data])
    child.stdout.destroy()
    expect(await once(child, 'close')).toEqual([0, null])
    expect(output.stderr).toBe('')
  })

  test('check accepts what was committed', async () => {
    const { code, document } = await json<{ accepted: boolean; tables: number; problems: unknown[] }>([
      'check',
      'ilms@v1',
      '--data',
      data,
    ])
    expect(code).toBe(0)
    expect(document).toMatchObject({ accepted: true, tables: 6, problems: [] })
  })

  test('gate install finds every branch as it should be', async () => {
    const { code, document } = await json<{ branches: object[] }>(['gate', 'install', 'ilms', '--data', data])
    expect(code).toBe(0)
    expect(document).toMatchObject({ study: 'ilms', protection: 'current' })
    expect(document.branches.slice(0, 3)).toEqual(['keys', 'main', 'v1'].map(branch => ({ branch, state: 'current' })))
    const printed = await studylake(['gate', 'install', 'ilms', '--data', data])
    expect(printed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^ *main +current/m) })
    const missing = await studylake(['gate', 'install', 'other', '--data', data])
    expect(missing).toMatchObject({ code: 1, stderr: expect.stringContaining('there is no study "other"') })
  })

  test.each([
    [['show', 'ilms@v9'], 'ilms has no version, tag or commit v9; its branches are: keys, main, v1, v2, v3, v4'],
    [['show', 'other@v1'], 'there is no study other; there are: ilms'],
    [['head', 'ilms@v1', 'raw.visits'], 'ilms@v1 has no table raw.visits; its tables are: '],
    [['check', 'ilms@nothing'], 'no version, tag or commit nothing'],
  ])('%j is answered with what there is', async (args, message) => {
    const { code, stderr } = await studylake([...args, '--data', data])
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)])
  })
})

describe('run', () => {
  test('a version that waits says for what, and goes on when it comes', async () => {
    const data = join(folder, 'waiting')
    const part = join(folder, 'part')
    cpSync(join(sample, 'ilms', 'v1'), part, { recursive: true })
    rmSync(join(part, 'patients.csv'))
    const waiting = await studylake(load(data, 'v1', part))
    expect(waiting.code).toBe(1)
    expect(waiting.stdout).toMatch(/Waiting for:\n {2}patients\.csv/)
    const { code, document } = await json<{ status: string; datasets: { dataset: string; rowsIn: number }[] }>(
      load(data, 'v1', join(sample, 'ilms', 'v1')),
    )
    expect(code).toBe(0)
    expect(document).toMatchObject({ status: 'committed', datasets: [{ rowsIn: 5 }, { rowsIn: 36 }] })
  })

  test('study.json beside the files, or named, decides the entities', async () => {
    const data = join(folder, 'options')
    const own = join(folder, 'own')
    cpSync(join(sample, 'ilms', 'v1'), own, { recursive: true })
    writeFileSync(join(own, 'study.json'), '{"entities":{"subject":{"naturalKey":["PATIENT_ID"]}}}')
    writeFileSync(join(folder, 'bad.json'), '{"entities":1}')
    const good = await json<{ entities: unknown }>(load(data, 'v1', own))
    expect(good.document.entities).toEqual([{ entity: 'subject', distinct: 36, new: 36 }])
    const bad = await json<{ status: string; problems: { file: string }[] }>(
      load(data, 'v2', own, '--options', join(folder, 'bad.json')),
    )
    expect(bad.code).toBe(1)
    expect(bad.document).toMatchObject({ status: 'rejected', problems: [{ file: 'study.json' }] })
  })

  test('folders are meant from where the user stands, also through npm', async () => {
    const place = join(folder, 'place')
    mkdirSync(place)
    cpSync(join(sample, 'ilms', 'v1'), join(place, 'mine'), { recursive: true })
    const { code } = await studylake(['upload', 'mine', '--study', 'ilms', '--version', 'v1'], {
      cwd: project,
      env: { INIT_CWD: place },
    })
    expect(code).toBe(0)
    expect(existsSync(join(place, '.studylake', 'landing', 'ilms', 'v1', 'patients.csv'))).toBe(true)
    expect((await studylake(['status', 'ilms', 'v1', '--json'], { cwd: place })).stdout).toContain('"processing"')
  })
})

describe('dev', () => {
  const stdoutOf = async ({ output }: ReturnType<typeof start>, text: string): Promise<void> => {
    for (let tries = 0; !output.stdout.includes(text); tries++) {
      if (tries > 500) throw new Error(`dev did not say ${text}: ${output.stdout}${output.stderr}`)
      await sleep(20)
    }
  }

  test('serves other commands, keeps its folder to itself, ends in order', async () => {
    const data = join(folder, 'dev')
    const early = await studylake([
      'upload',
      join(sample, 'ilms', 'v1'),
      '--study',
      'early',
      '--version',
      'v1',
      '--data',
      data,
    ])
    expect(early.stdout).toContain('Nothing is running')
    const dev = start(['dev', '--data', data])
    await stdoutOf(dev, 'Ctrl-C stops it.')

    const second = await studylake(['dev', '--data', data])
    expect([second.code, second.stderr]).toEqual([1, expect.stringMatching(/is in use by "dev" \(process \d+/)])
    const upload = await studylake([
      'upload',
      join(sample, 'ilms', 'v1'),
      '--study',
      'ilms',
      '--version',
      'v1',
      '--wait',
      '--data',
      data,
    ])
    expect([upload.code, upload.stdout]).toEqual([0, expect.stringContaining('ilms v1: committed')])
    const broken = await studylake(load(data, 'v5', join(sample, 'ilms-broken', 'v5')))
    expect([broken.code, broken.stdout]).toEqual([1, expect.stringContaining('row 137, column RESULT')])
    expect((await studylake(['head', 'ilms@v1', 'base.patients', '--data', data])).stdout).toContain('10 of 36 rows')
    expect((await studylake(['check', 'early@v1', '--data', data])).code).toBe(0)

    dev.child.kill('SIGINT')
    expect(await once(dev.child, 'exit')).toEqual([0, null])
    expect((await studylake(['status', 'ilms', 'v1', '--data', data])).code).toBe(0)
  })

  test('what a killed one was at is done by the next', async () => {
    const data = join(folder, 'killed')
    const dev = spawn(process.execPath, [join(project, 'bin', 'studylake.ts'), 'dev', '--data', data, '--json'])
    await once(dev.stdout, 'data')
    const upload = await json<{ running: boolean; files: number }>([
      'upload',
      join(sample, 'ilms', 'v2'),
      '--study',
      'ilms',
      '--version',
      'v2',
      '--data',
      data,
    ])
    expect(upload.document).toMatchObject({ running: true, files: 6 })
    dev.kill('SIGKILL')
    await once(dev, 'exit')
    const { code, stdout } = await studylake(load(data, 'v1', join(sample, 'ilms', 'v1')))
    expect([code, stdout]).toEqual([0, expect.stringContaining('ilms v1: committed')])
    expect((await studylake(['status', 'ilms', 'v2', '--data', data])).code).toBe(0)
  })
})

describe('without a platform', () => {
  test('validate reads every value', async () => {
    const good = await json<{ valid: boolean; datasets: unknown[] }>(['validate', join(sample, 'ilms', 'v4')])
    expect([good.code, good.document.valid, good.document.datasets.length]).toEqual([0, true, 5])
    const bad = await studylake(['validate', join(sample, 'ilms-broken', 'v5')])
    expect([bad.code, bad.stdout]).toEqual([1, expect.stringContaining('lab_results.csv, row 137, column RESULT:')])
    const bare = join(folder, 'bare')
    mkdirSync(bare)
    writeFileSync(join(bare, 'dm.csv'), 'A\n1\n')
    const missing = await json<{ missing: string[] }>(['validate', bare])
    expect([missing.code, missing.document.missing]).toEqual([1, ['contents.csv']])
    expect(existsSync(join(folder, '.studylake'))).toBe(false)
  })

  test('contents drafts a file that validate takes, and replaces none', async () => {
    const own = join(folder, 'draft')
    mkdirSync(own)
    writeFileSync(join(own, 'dm.csv'), 'ID,BORN\n1,2014-01-02\n2,\n')
    const draft = await studylake(['contents', own])
    expect(draft.stdout).toBe('dataset,field,type,label,nullable,format\ndm,ID,integer,,true,\ndm,BORN,date,,true,\n')
    const out = join(own, 'contents.csv')
    expect((await studylake(['contents', own, '--out', out])).code).toBe(0)
    expect((await studylake(['validate', own])).code).toBe(0)
    const again = await studylake(['contents', own, '--out', out])
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('is there already')])
    writeFileSync(join(own, 'dm.csv'), 'ID,ID\n1,2\n')
    const bad = await json<{ problems: { code: string }[] }>(['contents', own])
    expect([bad.code, bad.document.problems[0]!.code]).toEqual([1, 'column-duplicate'])
  })

  test('--help and --version', async () => {
    const version = (JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }).version
    expect(await studylake(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` })
    const general = await studylake(['--help'])
    expect(general.code).toBe(0)
    for (const command of [
      'run',
      'dev',
      'upload',
      'status',
      'show',
      'head',
      'check',
      'gate',
      'validate',
      'convert',
      'contents',
      'sample',
    ]) {
      expect(general.stdout).toMatch(new RegExp(`^ +${command} +[A-Z]`, 'm'))
    }
    const run = await studylake(['run', '--help'])
    expect(run.stdout).toMatch(/--study=<STUDY>[\s\S]*--data=<DIR>[\s\S]*--json/)
  })

  test.concurrent.each([
    [[], 'which command'],
    [['rnu'], 'there is no command "rnu"; there are run, '],
    [['run'], 'FOLDER'],
    [['run', '.'], '--study'],
    [['run', '.', '--study', 'ilms', '--version'], '--version'],
    [['run', '.', '--study', 'ilms', '--version', 'v1', '--jsn'], '--jsn'],
    [['run', '.', 'more', '--study', 'ilms', '--version', 'v1'], '"more" is one argument too many'],
    [['run', '.', '--study', 'ILMS', '--version', 'v1'], 'a study is 3 to 63 lower-case letters'],
    [['run', '.', '--study', 'ilms', '--version', 'main'], 'a version is up to 64 lower-case letters'],
    [['run', 'nowhere', '--study', 'ilms', '--version', 'v1'], 'nowhere does not exist'],
    [['run', join(sample, 'rows.ts'), '--study', 'ilms', '--version', 'v1'], 'is not a folder'],
    [['run', sample, '--study', 'ilms', '--version', 'v1'], 'holds no .csv file'],
    [
      ['run', join(sample, 'ilms', 'v1'), '--study', 'ilms', '--version', 'v1', '--options', 'none.json'],
      'none.json does not exist',
    ],
    [['show', 'ilms'], 'STUDY@REF'],
    [['gate'], 'gate: which? There is install'],
    [['gate', 'remove', 'ilms'], 'gate: "remove"? There is install'],
    [['gate', 'install'], 'STUDY'],
    [['show', 'ilms@v1', 'patients'], 'LAYER.DATASET'],
    [['head', 'ilms@v1', 'raw.dm', '--rows', 'many'], 'a whole number'],
    [['status', 'a b'], 'a study is'],
  ])('%j is wrong usage, and says so', async (args, message) => {
    const { code, stdout, stderr } = await studylake(args)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(message)
    expect(stderr).toMatch(/^See studylake .*--help$/m)
  })

  test.concurrent.each([['status'], ['show', 'ilms@v1'], ['head', 'ilms@v1', 'raw.dm'], ['check', 'ilms@v1']])(
    '%s in a folder without data says what to do, and makes none',
    async (...args) => {
      const { code, stderr } = await studylake([...args, '--data', join(folder, 'empty')])
      expect([code, stderr]).toEqual([1, expect.stringContaining('there is nothing in empty yet. Load a study with')])
      expect(existsSync(join(folder, 'empty'))).toBe(false)
    },
  )
})
