import { spawn } from 'node:child_process'
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const bin = fileURLToPath(new URL('../../../bin/', import.meta.url))
/** Plain JavaScript, which has no types. */
const { findBundledNode, isRecentEnough } = (await import(`${bin}bundled-node.mjs`)) as {
  findBundledNode(folder?: string): string | undefined
  isRecentEnough(version?: string): boolean
}
let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'studylake-bin-'))
  await mkdir(join(root, 'bin'))
  for (const file of ['bundled-node.mjs', 'with-node.mjs']) await copyFile(join(bin, file), join(root, 'bin', file))
})
afterEach(() => rm(root, { recursive: true, force: true }))

interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

/** Runs a script of the copied project; `old` makes the process say that it is an older Node. */
async function run(
  args: string[],
  { old = false, signal }: { old?: boolean; signal?: NodeJS.Signals } = {},
): Promise<Ended> {
  const pretend = join(root, 'pretend.cjs')
  await writeFile(pretend, `Object.defineProperty(process.versions, 'node', { value: '20.11.1' })\n`)
  const child = spawn(process.execPath, [
    ...(old ? ['--require', pretend] : []),
    join(root, 'bin', 'with-node.mjs'),
    ...args,
  ])
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => {
    stdout += chunk
    if (signal) child.kill(signal)
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
  })
  return new Promise(resolve => child.on('close', (code, ended) => resolve({ code, signal: ended, stdout, stderr })))
}

/** A Node beside the project that says that it is the one. */
async function installNode(): Promise<void> {
  const folder = join(root, 'node_modules', 'node', 'bin')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'node'), `#!/bin/sh\necho bundled\nexec "${process.execPath}" "$@"\n`)
  await chmod(join(folder, 'node'), 0o755)
}

describe('the Node that runs it', () => {
  it.each([
    ['24.0.0', true],
    ['26.1.0', true],
    ['22.17.0', false],
    ['9.9.9', false],
  ])('%s is recent enough: %s', (version, expected) => expect(isRecentEnough(version)).toBe(expected))

  it('may lie beside the project', async () => {
    expect(findBundledNode(root)).toBeUndefined()
    await installNode()
    expect(findBundledNode(root)).toBe(join(root, 'node_modules', 'node', 'bin', 'node'))
  })
})

describe('a script', () => {
  it.each([0, 3])('ends with the exit code %i of what it runs, and gets its arguments', async code => {
    await writeFile(join(root, 'task.mjs'), `console.log(process.argv.slice(2).join('|'))\nprocess.exit(${code})\n`)
    expect(await run(['task.mjs', 'a b', '--c'])).toMatchObject({ code, stdout: 'a b|--c\n' })
  })

  it('may be a package’s command', async () => {
    for (const [name, command] of Object.entries({ one: './cli.js', two: { two: 'cli.js', other: 'x.js' } })) {
      const folder = join(root, 'node_modules', name)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'package.json'), JSON.stringify({ name, bin: command }))
      await writeFile(join(folder, 'cli.js'), `console.log('${name}')\n`)
      expect(await run([name])).toMatchObject({ code: 0, stdout: `${name}\n` })
    }
  })

  it('ends by the signal that ends it', async () => {
    await writeFile(join(root, 'task.mjs'), `console.log('ready')\nsetInterval(() => {}, 1000)\n`)
    expect(await run(['task.mjs'], { signal: 'SIGTERM' })).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  it('without one, says how it is used', async () => {
    expect(await run([])).toMatchObject({ code: 2, stderr: expect.stringContaining('usage: with-node.mjs') })
  })
})

describe('under an older Node', () => {
  it('says what is missing and how to get it', async () => {
    await writeFile(join(root, 'task.mjs'), '')
    const { code, stderr } = await run(['task.mjs'], { old: true })
    expect(code).toBe(2)
    expect(stderr).toContain('needs Node 24 or newer, this is 20.11.1')
    expect(stderr).toContain('npm install --include=optional')
  })

  it('takes the one beside the project', async () => {
    await installNode()
    await writeFile(join(root, 'task.mjs'), 'process.exit(7)\n')
    expect(await run(['task.mjs'], { old: true })).toMatchObject({ code: 7, stdout: 'bundled\n' })
  })

  it('says which Node it cannot start', async () => {
    const folder = join(root, 'node_modules', 'node', 'bin')
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'node'), 'no program', { mode: 0o644 })
    await writeFile(join(root, 'task.mjs'), '')
    const { code, stderr } = await run(['task.mjs'], { old: true })
    expect(code).toBe(2)
    expect(stderr).toContain('cannot start')
  })
})
