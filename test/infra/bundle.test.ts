import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bundleFunction, functionNames } from '../../infra/bundle.ts'
import { readBundles } from './synthesise.ts'

const run = promisify(execFile)
const mebibyte = 2 ** 20
const functionsFolder = join(import.meta.dirname, '..', '..', 'functions')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'studylake-bundle-test-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What a program prints, run by the Node that runs this. */
async function runNode(program: string): Promise<string> {
  const file = join(folder, 'program.mjs')
  await writeFile(file, program)
  const { stdout } = await run(process.execPath, [file], { env: { ...process.env, AWS_REGION: 'eu-central-1' } })
  return stdout.trim()
}

it('each function is small: size is cold start', async () => {
  const bundles = await readBundles()
  const sizes = Object.fromEntries(Object.values(bundles).map(({ name, bytes }) => [name, bytes]))
  console.log(
    Object.entries(sizes)
      .map(([name, bytes]) => `${name}: ${Math.ceil(bytes / 1024)} KiB`)
      .join('\n'),
  )
  for (const name of functionNames) expect(sizes[name], name).toBeLessThan(3 * mebibyte)
  expect(sizes.convert).toBeLessThan(mebibyte)
})

it('holds the code, that of its threads, their source maps, and no source', async () => {
  const { convert, receive } = await readBundles()
  const code = ['index.mjs', 'index.mjs.map']
  expect((await readdir(receive.folder)).sort()).toEqual(code)
  expect((await readdir(convert.folder)).sort()).toEqual([...code, 'part-worker.mjs', 'part-worker.mjs.map'])
  const map = JSON.parse(await readFile(join(convert.folder, 'index.mjs.map'), 'utf8')) as {
    sources: string[]
    sourcesContent?: string[]
  }
  expect(map.sources).toContain('../../lib/pipeline/convert.ts')
  expect(map.sourcesContent ?? []).toEqual([])
})

it('leaves the SDK to the runtime, unless asked to bring it', async () => {
  const { receive } = await readBundles()
  expect(await readFile(join(receive.folder, 'index.mjs'), 'utf8')).toMatch(/from\s*"@aws-sdk\/client-s3"/)
  const entry = join(functionsFolder, 'receive.ts')
  const whole = await bundleFunction({ name: 'with-sdk', entry, out: folder, bundleSdk: true })
  expect(await readFile(join(whole.folder, 'index.mjs'), 'utf8')).not.toMatch(/from\s*"@aws-sdk\//)
  expect(whole.bytes).toBeLessThan(3 * mebibyte)
})

it('the same sources give the same bytes, wherever they are put', async () => {
  const { check } = await readBundles()
  const again = await bundleFunction({ name: 'again', entry: join(functionsFolder, 'check.ts'), out: folder })
  for (const file of await readdir(check.folder)) {
    const [first, second] = await Promise.all([check, again].map(bundle => readFile(join(bundle.folder, file))))
    expect(first!.equals(second!), file).toBe(true)
  }
})

describe('runs by itself, away from the project', () => {
  it.each(functionNames)('%s', async name => {
    const { folder: bundle } = await bundleFunction({
      name: `alone-${name}`,
      entry: join(functionsFolder, `${name}.ts`),
      out: folder,
      bundleSdk: true,
    })
    const printed = await runNode(`
      const { handler } = await import(${JSON.stringify(pathToFileURL(join(bundle, 'index.mjs')).href)})
      await handler({}, { awsRequestId: '1' }).catch(error => console.log(error.message))`)
    expect(printed).toMatch(/^configuration: .* is not set$/)
  })
})

it('brings the workers that a function starts, and theirs', async () => {
  const source = join(folder, 'source')
  await mkdir(join(source, 'deep'), { recursive: true })
  const start = (path: string) => `new Worker(new URL('${path}', import.meta.url))`
  await writeFile(
    join(source, 'main.ts'),
    `import { once } from 'node:events'
     import { Worker } from 'node:worker_threads'
     export const handler = async (): Promise<unknown> => (await once(${start('./deep/first-worker.ts')}, 'message'))[0]`,
  )
  await writeFile(
    join(source, 'deep', 'first-worker.ts'),
    `import { parentPort, Worker } from 'node:worker_threads'
     ${start('../second-worker.ts')}.on('message', (text: string) => parentPort!.postMessage('first, ' + text))`,
  )
  await writeFile(
    join(source, 'second-worker.ts'),
    `import { parentPort } from 'node:worker_threads'
     parentPort!.postMessage('second')`,
  )
  const bundle = await bundleFunction({ name: 'workers', entry: join(source, 'main.ts'), out: folder })
  const files = (await readdir(bundle.folder)).filter(file => file.endsWith('.mjs'))
  expect(files.sort()).toEqual(['first-worker.mjs', 'index.mjs', 'second-worker.mjs'])
  const printed = await runNode(`
    const { handler } = await import(${JSON.stringify(pathToFileURL(join(bundle.folder, 'index.mjs')).href)})
    console.log(await handler())
    process.exit(0)`)
  expect(printed).toBe('first, second')
})
