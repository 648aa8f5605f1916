import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { SerializedError, TestModule } from 'vitest/node'
import { countTotal } from '../../support/total-reporter.ts'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** Runs vitest on files of the given content, and gives its exit code and the last line that it printed. */
async function runVitest(
  files: Record<string, string>,
  { stallSeconds }: { stallSeconds?: number } = {},
): Promise<{ code: number | null; last: string | undefined; errors: string }> {
  // Below the project, so that `vitest` is found.
  const folder = await mkdtemp(join(root, 'node_modules', '.reporters-'))
  folders.push(folder)
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text)
  await writeFile(join(folder, 'package.json'), '{"type": "module"}')
  const ours = ['total-reporter.ts', 'stall-reporter.ts'].map(file => join(root, 'test', 'support', file))
  const config = { test: { reporters: ['default', ...ours], include: ['*.test.js'], watch: false } }
  await writeFile(join(folder, 'vitest.config.js'), `export default ${JSON.stringify(config)}\n`)
  const entry = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  // What the outer run has set is not for the inner one.
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^VITEST|^NODE_V8/.test(name)))
  const settings = { CI: '1', ...(stallSeconds && { STALL_SECONDS: String(stallSeconds) }) }
  const child = spawn(process.execPath, [entry, 'run', '--root', folder], { env: { ...environment, ...settings } })
  let output = ''
  let errors = ''
  child.stdout.on('data', chunk => {
    output += chunk
  })
  child.stderr.on('data', chunk => {
    errors += chunk
  })
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  return { code, last: output.trimEnd().split('\n').at(-1), errors }
}

describe('a real run ends with its total', () => {
  it('when all is well', async () => {
    const text = `import { it } from 'vitest'\nit('a', () => {})\nit('b', () => {})\n`
    expect(await runVitest({ 'a.test.js': text })).toMatchObject({ code: 0, last: '2 passed, 0 failed' })
  })

  it('when tests fail, a file cannot be loaded, and an error is nobody’s', async () => {
    const result = await runVitest({
      'a.test.js': `import { it } from 'vitest'\nit('a', () => {})\nit('b', () => { throw new Error('x') })\nit.skip('c', () => {})\n`,
      'broken.test.js': `import './nowhere.js'\n`,
      'stray.test.js': `import { it } from 'vitest'\nit('d', async () => { void Promise.reject(new Error('y')); await new Promise(r => setTimeout(r, 50)) })\n`,
    })
    expect(result.code).not.toBe(0)
    expect(result.last).toBe('2 passed, 3 failed, 1 skipped')
  })
})

it('a run whose test never gives control back is ended, and the test is named', async () => {
  const endless = `import { it } from 'vitest'\nit('endless', async () => { await new Promise(done => setTimeout(done, 500)); for (;;); })\n`
  const quick = `import { it } from 'vitest'\nit('quick', () => {})\n`
  const { code, errors } = await runVitest({ 'a.test.js': endless, 'b.test.js': quick }, { stallSeconds: 1 })
  expect(code).toBe(1)
  expect(errors).toContain('a.test.js has stood still for 1 s at "endless"')
})

describe('what counts', () => {
  const makeModule = (states: string[], state = 'passed') =>
    ({
      state: () => state,
      children: { allTests: () => states.map(of => ({ result: () => ({ state: of }) })) },
    }) as unknown as TestModule

  it('each test once', () => {
    const modules = [makeModule(['passed', 'failed', 'skipped', 'passed'], 'failed'), makeModule(['passed'])]
    expect(countTotal(modules, [])).toEqual({ passed: 3, failed: 1, skipped: 1 })
  })

  it('a module that failed without a failed test, and a test that never came to an end', () => {
    expect(countTotal([makeModule([], 'failed'), makeModule(['passed'], 'failed')], [])).toMatchObject({
      passed: 1,
      failed: 2,
    })
    expect(countTotal([makeModule(['pending'])], [])).toMatchObject({ failed: 1 })
  })

  it('errors outside of tests', () => {
    const error = { message: 'x' } as SerializedError
    expect(countTotal([makeModule(['passed'])], [error, error])).toEqual({ passed: 1, failed: 2, skipped: 0 })
  })
})
