import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startLakefsServer } from '../../infra/local/lakefs/server.ts'
import { createLakefs } from '../../lib/lakefs/client.ts'
import { memoryStore } from '../support/memory-store.ts'

const credentials = { accessKeyId: 'key', secretAccessKey: 'secret' }
let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studylake-lakefs-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function startChild(port = 0): Promise<{ child: ChildProcess; port: number }> {
  const script = join(import.meta.dirname, 'lakefs-child.ts')
  const child = spawn(process.execPath, [script, folder, String(port)], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout!, 'data')) as [Buffer]
  return { child, port: Number(line.toString()) }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

test('a killed server has all that it acknowledged', async () => {
  const first = await startChild()
  const lakefs = createLakefs({ endpoint: `http://127.0.0.1:${first.port}`, ...credentials })
  await lakefs.createRepository({ name: 'study', storageNamespace: 's3://lake/lakefs/study' })
  await lakefs.setBranchProtection('study', ['[!_]*'])
  await lakefs.createBranch('study', { name: '_run', source: 'main' })
  await lakefs.uploadObject('study', '_run', 'a', Buffer.from('committed'))
  const { id } = await lakefs.commit('study', '_run', { message: 'one' })
  const { reference } = await lakefs.merge('study', '_run', 'main')
  await lakefs.createTag('study', { name: 'v1', ref: 'main' })
  // Writers are at work while the server dies: what they were told is what counts.
  const acknowledged: string[] = []
  const write = async (writer: number): Promise<void> => {
    for (let index = 0; ; index++) {
      const path = `${writer}/${index}`
      await lakefs.uploadObject('study', '_run', path, Buffer.from(path), { ifAbsent: true })
      acknowledged.push(path)
    }
  }
  const writers = Promise.allSettled([write(0), write(1), write(2), write(3)])
  while (acknowledged.length < 20) await new Promise(resolve => setTimeout(resolve, 5))
  await kill(first.child)
  await writers

  const second = await startChild(first.port)
  expect(second.port).toBe(first.port)
  expect(await lakefs.getCommit('study', '_run')).toMatchObject({ id })
  expect(await lakefs.getBranch('study', 'main')).toEqual({ id: 'main', commitId: reference })
  expect(await lakefs.getTag('study', 'v1')).toEqual({ id: 'v1', commitId: reference })
  expect((await lakefs.getBranchProtection('study')).patterns).toEqual(['[!_]*'])
  for (const path of acknowledged) {
    expect(Buffer.from((await lakefs.getObject('study', '_run', path))!).toString()).toBe(path)
  }
  await kill(second.child)
})

test('a taken port is named', async () => {
  const server = await startLakefsServer({ folder, store: memoryStore(), credentials })
  const other = { folder: join(folder, 'other'), store: memoryStore(), credentials, port: server.port }
  await expect(startLakefsServer(other)).rejects.toThrow(`cannot listen on 127.0.0.1:${server.port}`)
  await server.close()
})

test('takes time, ids and the committer from what it is given', async () => {
  let ids = 0
  const options = { now: () => new Date('2030-01-02T03:04:05Z'), randomId: () => `id-${ids++}`, user: 'studylake' }
  const server = await startLakefsServer({ folder, store: memoryStore(), credentials, ...options })
  const lakefs = createLakefs({ endpoint: server.endpoint, ...credentials })
  await lakefs.createRepository({ name: 'study', storageNamespace: 's3://lake/lakefs/study' })
  const { physicalAddress } = await lakefs.uploadObject('study', 'main', 'a', Buffer.from('x'))
  expect(physicalAddress).toMatch(/^s3:\/\/lake\/lakefs\/study\/data\/[0-9a-f]{20}\/[0-9a-f]{20}$/)
  const { committer, creationDate } = await lakefs.commit('study', 'main', { message: 'one' })
  expect([committer, creationDate]).toEqual(['studylake', Date.parse('2030-01-02T03:04:05Z') / 1000])
  await server.close()
})

test('says that the bytes are gone where the block store has lost them', async () => {
  const store = memoryStore()
  const server = await startLakefsServer({ folder, store, credentials })
  const lakefs = createLakefs({ endpoint: server.endpoint, ...credentials })
  await lakefs.createRepository({ name: 'study', storageNamespace: 's3://lake/lakefs/study' })
  const { physicalAddress } = await lakefs.uploadObject('study', 'main', 'a', Buffer.from('x'))
  await store.delete(physicalAddress.replace('s3://lake/', ''))
  await expect(lakefs.getObject('study', 'main', 'a')).rejects.toMatchObject({ status: 410 })
  await server.close()
})

test('a commit costs the same however many tables and branches there are', async () => {
  const server = await startLakefsServer({ folder, store: memoryStore(), credentials })
  const lakefs = createLakefs({ endpoint: server.endpoint, ...credentials })
  await lakefs.createRepository({ name: 'study', storageNamespace: 's3://lake/lakefs/study' })
  const changeOne = async (index: number): Promise<number> => {
    const started = performance.now()
    await lakefs.uploadObject('study', 'main', `tables/raw/t${index}.json`, Buffer.from(`changed ${started}`))
    await lakefs.commit('study', 'main', { message: `change ${index}` })
    await lakefs.getObject('study', 'main', `tables/raw/t${index}.json`)
    return performance.now() - started
  }
  const small = Math.min(await changeOne(0), await changeOne(0), await changeOne(0))
  const paths = Array.from({ length: 1000 }, (_, index) => `tables/raw/t${index}.json`)
  await Promise.all(paths.map(path => lakefs.uploadObject('study', 'main', path, Buffer.from(path))))
  await lakefs.commit('study', 'main', { message: 'all' })
  const names = Array.from({ length: 1000 }, (_, index) => `v${index}`)
  await Promise.all(names.map(name => lakefs.createBranch('study', { name, source: 'main' })))
  const large = Math.min(await changeOne(3), await changeOne(500), await changeOne(999))
  expect(large / small).toBeLessThan(20)
  await server.close()
})
