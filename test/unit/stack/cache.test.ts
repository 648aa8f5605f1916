import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { cacheFolder, installOnce, MissingError, runProgram } from '../../../infra/stack/cache.ts'

let cache: string
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'studylake-cache-'))
})
afterEach(() => rm(cache, { recursive: true }))

test('the cache is where the variable says, or in the home folder', () => {
  expect(cacheFolder({ STUDYLAKE_CACHE: '/big/disk' })).toBe('/big/disk')
  expect(cacheFolder({ STUDYLAKE_CACHE: '' })).toBe(join(homedir(), '.cache', 'studylake'))
})

describe('what is installed', () => {
  test('is built once, however many ask for it at a time', async () => {
    const told: string[] = []
    let builds = 0
    const ask = () =>
      installOnce({
        name: 'thing-1.0',
        cache,
        tell: text => told.push(text),
        async build(folder) {
          builds++
          await sleep(100)
          await writeFile(join(folder, 'program'), '')
        },
      })
    const folders = await Promise.all([ask(), ask(), ask()])
    expect(new Set(folders)).toEqual(new Set([join(cache, 'thing-1.0')]))
    expect(await ask()).toBe(folders[0])
    expect(builds).toBe(1)
    expect(told).toEqual([`installing thing-1.0 into ${folders[0]}`])
  })

  test('is built again from nothing where the first try was broken off', async () => {
    const broken = installOnce({
      name: 'thing',
      cache,
      async build(folder) {
        await writeFile(join(folder, 'half'), '')
        throw new MissingError('there is no compiler')
      },
    })
    await expect(broken).rejects.toThrow('there is no compiler')
    const folder = await installOnce({ name: 'thing', cache, build: async () => {} })
    expect(await readdir(folder)).toEqual(['complete'])
    expect(existsSync(join(folder, 'half'))).toBe(false)
  })
})

test('a program that fails is an error with what it said last', async () => {
  expect(await runProgram(process.execPath, ['-p', '1 + 1'])).toBe('2\n')
  const fails = ['-e', 'console.error("it is too cold"); process.exit(1)']
  await expect(runProgram(process.execPath, fails)).rejects.toThrow(/failed: it is too cold$/)
  await expect(runProgram(join(cache, 'missing'), [])).rejects.toThrow('ENOENT')
})
