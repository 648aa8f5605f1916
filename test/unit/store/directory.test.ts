import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  appendFile,
  chmod,
  copyFile,
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PreconditionError, TransientError } from '../../../lib/errors.ts'
import { createDirectoryStore } from '../../../lib/store/directory.ts'
import { orAbsent, translateFileError } from '../../../lib/store/directory-errors.ts'
import { etagOf } from '../../../lib/store/directory-etags.ts'
import type { ObjectStore } from '../../../lib/store/object-store.ts'

const run = promisify(execFile)
const child = join(import.meta.dirname, 'directory-child.ts')
const md5 = (data: string | Uint8Array): string => createHash('md5').update(data).digest('hex')
const start = new Date('2026-01-02T03:04:05.678Z')

let folder: string
let time: Date
let store: ObjectStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studylake-directory-'))
  time = start
  store = openStore()
})
afterEach(() => rm(folder, { recursive: true }))

const openStore = (): ObjectStore => createDirectoryStore({ folder, bucket: 'landing', now: () => time })
const at = (...parts: string[]): string => join(folder, ...parts)
const put = (key: string, text: string) => store.put(key, Buffer.from(text))
const read = async (key: string): Promise<string> => Buffer.from(await store.get(key)).toString()

async function list(prefix = ''): Promise<string[]> {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys
}

/** All files below the folder that are no objects. */
const leftovers = async (): Promise<string[]> => readdir(at('.meta', 'temp'))

describe('what a person sees', () => {
  it('is a file at the key, with the time of the write', async () => {
    await put('study/v1/dm.csv', 'a,b\n')
    expect(await readFile(at('study', 'v1', 'dm.csv'), 'utf8')).toBe('a,b\n')
    expect((await stat(at('study', 'v1', 'dm.csv'))).mtime).toEqual(start)
    const info = { key: 'study/v1/dm.csv', size: 4, etag: md5('a,b\n'), lastModified: start }
    expect(await store.head('study/v1/dm.csv')).toEqual(info)
    expect(await openStore().head('study/v1/dm.csv')).toEqual(info)
  })

  it('has no folders without objects', async () => {
    await put('study/v1/dm.csv', 'x')
    await put('study/v2/dm.csv', 'x')
    await store.delete('study/v1/dm.csv')
    expect(await readdir(at('study'))).toEqual(['v2'])
    await store.delete('study/v2/dm.csv')
    expect(await readdir(folder)).toEqual(['.meta'])
  })
})

describe('what a person does', () => {
  it('adds objects by copying files and folders in', async () => {
    await mkdir(at('study', 'v1.x'), { recursive: true })
    for (const name of ['dm.csv', 'README', '50%.csv']) await writeFile(at('study', 'v1.x', name), name)
    expect(await list()).toEqual(['study/v1.x/50%.csv', 'study/v1.x/README', 'study/v1.x/dm.csv'])
    for await (const { key, etag, size } of store.list('')) {
      const name = key.split('/').at(-1)!
      expect([etag, size]).toEqual([md5(name), name.length])
      expect(await read(key)).toBe(name)
    }
    expect(await store.head('study/v1.x/none')).toBeUndefined()
  })

  it('is overruled by later writes and deletes', async () => {
    await writeFile(at('README'), 'by hand')
    await expect(store.put('README', Buffer.from('x'), { ifAbsent: true })).rejects.toBeInstanceOf(PreconditionError)
    const { etag } = await store.compose('out.csv', { source: 'README', append: Buffer.from('!') })
    expect(etag).toBe(md5('by hand!'))
    await put('README', 'by the store')
    expect(await readdir(folder)).toEqual(['.meta', 'README%', 'out.csv'])
    expect(await read('README')).toBe('by the store')
    await writeFile(at('README'), 'again')
    expect(await list('R')).toEqual(['README'])
    expect((await store.head('README'))!.etag).toBe(md5('by the store'))
    await store.delete('README')
    expect(await list()).toEqual(['out.csv'])
  })

  it('changes objects by editing files in place', async () => {
    const { etag } = await put('dm.csv', 'one')
    await writeFile(at('dm.csv'), 'two')
    expect((await store.head('dm.csv'))!.etag).toBe(md5('two'))
    await expect(store.get('dm.csv', { ifMatch: etag })).rejects.toBeInstanceOf(PreconditionError)
    await appendFile(at('dm.csv'), '!')
    const { info, body } = await store.stream('dm.csv')
    expect(info).toMatchObject({ etag: md5('two!'), size: 4 })
    for await (const piece of body) expect(Buffer.from(piece).toString()).toBe('two!')
  })

  it('changes objects also where size and time stay as they were', async () => {
    await put('dm.csv', 'one')
    await writeFile(at('other'), 'two')
    await utimes(at('other'), start, start)
    await rm(at('dm.csv'))
    await copyFile(at('other'), at('dm.csv'))
    await utimes(at('dm.csv'), start, start)
    expect((await store.head('dm.csv'))!.etag).toBe(md5('two'))
  })

  it('cannot make objects of links or of what lies in the hidden folder', async () => {
    await put('a.csv', 'x')
    await symlink('/etc', at('outside'))
    await symlink(at('a.csv'), at('link.csv'))
    await writeFile(at('.meta', 'notes.csv'), 'x')
    expect(await list()).toEqual(['a.csv'])
    expect(await store.head('.meta/notes.csv')).toBeUndefined()
    expect(await store.head('link.csv')).toBeUndefined()
  })

  it('may delete the hidden folder', async () => {
    await put('a.csv', 'x')
    await rm(at('.meta'), { recursive: true })
    store = openStore()
    expect((await store.head('a.csv'))!.etag).toBe(md5('x'))
  })

  it('may stop the store from writing where it only reads', async () => {
    await writeFile(at('a.csv'), 'x')
    await rm(at('.meta', 'etags'), { recursive: true, force: true })
    await writeFile(at('.meta', 'etags'), 'no folder')
    expect((await store.head('a.csv'))!.etag).toBe(md5('x'))
  })
})

describe('recorded ETags', () => {
  it('are used without reading the file', async () => {
    await put('big.csv', 'content')
    const record = at('.meta', 'etags', 'big.csv')
    await writeFile(record, (await readFile(record, 'utf8')).replace(md5('content'), 'recorded'))
    expect((await store.head('big.csv'))!.etag).toBe('recorded')
  })

  it.each(['', '{"etag":"x', '{"etag":"x"}', '[]'])('are made again where the record is %j', async torn => {
    await put('a.csv', 'content')
    await writeFile(at('.meta', 'etags', 'a.csv'), torn)
    expect((await store.head('a.csv'))!.etag).toBe(md5('content'))
    expect(JSON.parse(await readFile(at('.meta', 'etags', 'a.csv'), 'utf8')).etag).toBe(md5('content'))
  })

  it('are made again where a writer died before it recorded one', async () => {
    await put('a.csv', 'one')
    const record = await readFile(at('.meta', 'etags', 'a.csv'))
    await put('a.csv', 'two')
    await writeFile(at('.meta', 'etags', 'a.csv'), record)
    expect((await store.head('a.csv'))!.etag).toBe(md5('two'))
  })

  it('wait for a file that is still being copied in', async () => {
    await writeFile(at('a.csv'), 'x')
    const file = await open(at('a.csv'), 'a+')
    const size = async () => (await file.stat()).size
    const growing = {
      stat: async (options: { bigint: true }) => {
        await file.appendFile('more')
        return file.stat(options)
      },
      read: file.read.bind(file),
    } as unknown as FileHandle
    const before = await size()
    await expect(etagOf(folder, 'a.csv', growing)).rejects.toBeInstanceOf(TransientError)
    expect(await size()).toBeGreaterThan(before)
    await file.close()
  })
})

describe('writes', () => {
  it('leave no temporary file, whatever happens', async () => {
    await put('a.csv', 'x')
    await store.put('a.csv', Buffer.from('y'), { ifAbsent: true }).catch(() => undefined)
    await store.compose('b.csv', { source: 'a.csv', append: Buffer.from('z') })
    async function* broken() {
      yield Buffer.from('some')
      throw new Error('broke off')
    }
    await expect(store.put('c.csv', broken())).rejects.toThrow('broke off')
    expect(await leftovers()).toEqual([])
    expect(await list()).toEqual(['a.csv', 'b.csv'])
  })

  it('compose from a file that may not be written', async () => {
    await put('a.csv', 'x')
    await chmod(at('a.csv'), 0o444)
    await store.compose('b.csv', { source: 'a.csv', append: Buffer.from('y') })
    expect(await read('b.csv')).toBe('xy')
    expect(await read('a.csv')).toBe('x')
  })

  it.each([false, true])('say what stands in the way (if absent: %s)', async ifAbsent => {
    await mkdir(at('dm.csv', 'folder'), { recursive: true })
    await writeFile(at('v1'), 'by hand')
    await symlink(at('nowhere'), at('v2'))
    await symlink(at('nowhere'), at('cm.csv'))
    const keys = ['dm.csv', 'v1/ae.csv', 'v1/deep/ae.csv', 'v2/ae.csv', ...(ifAbsent ? ['cm.csv'] : [])]
    for (const key of keys) {
      const failure = await store.put(key, Buffer.from('x'), { ifAbsent }).catch(error => error)
      expect(failure.code).toMatch(/^(EISDIR|ENOTEMPTY|EEXIST|ENOTDIR|ENOENT)$/)
    }
    expect(await leftovers()).toEqual([])
  })

  it('refuse what is no key', async () => {
    await expect(put('', 'x')).rejects.toThrow('object key has 0 bytes')
    await expect(store.get('k'.repeat(1025))).rejects.toThrow('object key has 1025 bytes')
  })

  it('survive that folders are pruned beside them', async () => {
    const writers = Array.from({ length: 4 }, async (_, writer) => {
      for (let i = 0; i < 25; i++) {
        await put(`deep/down/${writer}.csv`, 'x')
        await store.delete(`deep/down/${writer}.csv`)
      }
    })
    await Promise.all(writers)
    expect(await list()).toEqual([])
  })
})

describe('temporary files of others', () => {
  it('are removed when their process is gone or a day has passed', async () => {
    const { pid } = await new Promise<ChildProcess>(resolve => {
      const short = spawn(process.execPath, ['--version'])
      short.once('exit', () => resolve(short))
    })
    const names = {
      dead: `${hostname()}.${pid}.0.0`,
      own: `${hostname()}.${process.pid}.0.999999`,
      running: `${hostname()}.${process.ppid}.0.0`,
      elsewhere: `elsewhere.${pid}.0.0`,
      old: 'elsewhere.1.0.0',
    }
    for (const name of Object.values(names)) {
      await writeFile(at('.meta', 'temp', name), 'x')
      await utimes(at('.meta', 'temp', name), start, start)
    }
    const yesterday = new Date(start.getTime() - 25 * 60 * 60 * 1000)
    await utimes(at('.meta', 'temp', names.old), yesterday, yesterday)
    openStore()
    expect((await leftovers()).toSorted()).toEqual([names.elsewhere, names.own, names.running].toSorted())
  })
})

describe('several processes', () => {
  const node = ['--disable-warning=ExperimentalWarning', child]

  it('give an absent key to exactly one', async () => {
    const runs = await Promise.all([1, 2, 3].map(() => run(process.execPath, [...node, folder, 'race'])))
    const won = runs.flatMap(({ stdout }) => stdout.trim().split('\n').filter(Boolean))
    expect(won.toSorted()).toEqual(Array.from({ length: 50 }, (_, i) => `race/${i}.csv`).toSorted())
  })

  it('leave whole objects with right ETags when they are killed', async () => {
    for (let round = 0; round < 3; round++) {
      const writer = spawn(process.execPath, [...node, folder, 'put'])
      let printed = ''
      writer.stdout.on('data', data => {
        printed += data
        if (printed.length > 40 + round * 17) writer.kill('SIGKILL')
      })
      await once(writer, 'close')
      store = openStore()
      expect(await leftovers()).toEqual([])
      const acknowledged = printed.split('\n').slice(0, -1).map(Number)
      expect(acknowledged.length).toBeGreaterThan(10)
      const latest = new Map(acknowledged.map(i => [`v/${i % 20}.csv`, i]))
      for (const [key, i] of latest) {
        const bytes = await store.get(key)
        // The write that the kill interrupted may have happened.
        const possible = [i, acknowledged.at(-1)! + 1].map(n => md5(Buffer.alloc(200_000, String(n))))
        expect(possible).toContain(md5(bytes))
        expect((await store.head(key))!.etag).toBe(md5(bytes))
      }
    }
  })
})

describe('against a model', () => {
  it('behaves as a sorted map, whatever the keys', async () => {
    const parts = ['a', 'b.csv', 'c.d', '', '..', '.meta', 'a%', '%-', 'x'.repeat(250), '\0', 'é']
    const key = fc
      .array(fc.constantFrom(...parts), { minLength: 1, maxLength: 3 })
      .map(segments => segments.join('/'))
      .filter(text => text !== '' && Buffer.byteLength(text) <= 1024)
    const step = fc.record({ method: fc.constantFrom('put', 'absent', 'delete', 'compose'), key, source: key })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), key, async (steps, after) => {
        await rm(folder, { recursive: true })
        store = openStore()
        const model = new Map<string, string>()
        for (const [i, { method, key, source }] of steps.entries()) {
          const [before, from] = [model.get(key), model.get(source)]
          if (method === 'delete') {
            await store.delete(key)
            model.delete(key)
          } else if (method === 'compose') {
            const work = store.compose(key, { source, append: Buffer.from(`+${i}`) })
            if (from === undefined) await expect(work).rejects.toThrow('does not exist')
            else model.set(key, `${from}+${i}`)
            await work.catch(() => undefined)
          } else {
            const work = store.put(key, Buffer.from(`${i}`), { ifAbsent: method === 'absent' })
            if (method === 'absent' && before !== undefined) await expect(work).rejects.toThrow('exists already')
            else model.set(key, `${i}`)
            await work.catch(() => undefined)
          }
        }
        const sorted = [...model.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        expect(await list()).toEqual(sorted)
        const rest: string[] = []
        for await (const { key } of store.list('', { startAfter: after })) rest.push(key)
        expect(rest).toEqual(sorted.filter(key => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0))
        expect(await list(after)).toEqual(sorted.filter(key => key.startsWith(after)))
        for (const [key, content] of model) expect(await read(key)).toBe(content)
      }),
      { numRuns: 60 },
    )
  })
})

describe('failures of the file system', () => {
  it.each(['ENOSPC', 'EMFILE', 'EIO'])('%s passes', async code => {
    async function* body() {
      yield Buffer.from('x')
      throw Object.assign(new Error('write'), { code })
    }
    const failure = await store.put('a.csv', body()).catch(error => error)
    expect(failure).toBeInstanceOf(TransientError)
    expect(failure.message).toContain(code)
    expect(await leftovers()).toEqual([])
    await expect(orAbsent(Promise.reject(failure.cause))).rejects.toBeInstanceOf(TransientError)
  })

  it('EACCES does not', async () => {
    const denied = Object.assign(new Error('open'), { code: 'EACCES' })
    await expect(orAbsent(Promise.reject(denied))).rejects.toBe(denied)
    expect(translateFileError('no error')).toBe('no error')
  })
})
