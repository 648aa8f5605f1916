import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { makeTemporaryFolder } from '../support/test-platform.ts'

const root = join(import.meta.dirname, '..', '..')
const cleanUps: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp()
})

/** Runs the command line in a process of its own; ended by SIGKILL after `killAfter` ms where that is given. */
async function studylake(args: string[], { killAfter }: { killAfter?: number } = {}) {
  const child = spawn(process.execPath, [join(root, 'bin', 'studylake.ts'), ...args], { cwd: root })
  const output: Buffer[] = []
  child.stdout.on('data', chunk => output.push(chunk))
  const ended = new Promise<number | string | null>(resolve =>
    child.on('exit', (code, signal) => resolve(code ?? signal)),
  )
  if (killAfter !== undefined) {
    await Promise.race([sleep(killAfter), ended])
    child.kill('SIGKILL')
  }
  return { code: await ended, text: Buffer.concat(output).toString() }
}

const run = (data: string) => ['run', 'sample/ilms/v4', '--study', 'ilms', '--version', 'v4', '--data', data, '--json']

/** Tables with columns, rows and the addresses of their files: what does not depend on when the files were landed. */
async function readTables(data: string) {
  const { code, text } = await studylake(['show', 'ilms@v4', '--data', data, '--json'])
  expect(code).toBe(0)
  return JSON.parse(text).tables
}

it('a process killed at any time loses nothing: the next one ends in the same content', async () => {
  const [undisturbed, killed] = [await makeTemporaryFolder(), await makeTemporaryFolder()]
  cleanUps.push(undisturbed.cleanUp, killed.cleanUp)
  expect((await studylake(run(undisturbed.folder))).code).toBe(0)
  const ends: unknown[] = []
  for (let killAfter = 350; killAfter <= 1900; killAfter += 170)
    ends.push((await studylake(run(killed.folder), { killAfter })).code)
  expect(ends).toContain('SIGKILL')
  const { code, text } = await studylake(run(killed.folder))
  expect(code, text).toBe(0)
  expect(JSON.parse(text)).toMatchObject({ status: 'committed', problems: [] })
  expect(await readTables(killed.folder)).toEqual(await readTables(undisturbed.folder))
})
