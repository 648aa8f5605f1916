import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'

const projectFolder = resolve(import.meta.dirname, '..')

/** A function, ready for Lambda: `index.mjs` with its source map, and a file for each worker that it starts. */
export interface Bundle {
  name: string
  /** Holds nothing else. */
  folder: string
  /** Bytes of code, source maps not counted. */
  bytes: number
}

/** `new URL('./x.ts', import.meta.url)`: how a module names the file of a worker. */
const workerAddress = /new URL\(\s*(['"])(\.{1,2}\/[^'"]+)\.ts\1\s*,\s*import\.meta\.url\s*\)/g

/** Bundled, all code lies in one folder: workers are named by their file names alone, and what they are is kept in `workers`. */
const findWorkers = (workers: Set<string>): Plugin => ({
  name: 'workers',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const contents = source.replaceAll(workerAddress, (_, _quote, name: string) => {
        workers.add(resolve(dirname(path), `${name}.ts`))
        return `new URL('./${basename(name)}.mjs', import.meta.url)`
      })
      return { contents, loader: 'ts' }
    })
  },
})

// Packages in CommonJS ask for Node's own modules by `require`, which an ES module does not have.
const banner =
  "import{createRequire as studylakeRequire}from'node:module';const require=studylakeRequire(import.meta.url);"

async function bundleFile({
  entry,
  outName,
  folder,
  bundleSdk,
}: {
  entry: string
  outName: string
  folder: string
  bundleSdk: boolean
}): Promise<{ bytes: number; workers: Set<string> }> {
  const workers = new Set<string>()
  const { outputFiles } = await build({
    absWorkingDir: projectFolder,
    entryPoints: [{ in: entry, out: outName }],
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node24',
    mainFields: ['module', 'main'],
    minify: true,
    sourcemap: true,
    sourcesContent: false,
    legalComments: 'none',
    external: bundleSdk ? [] : ['@aws-sdk/*'],
    banner: { js: banner },
    outExtension: { '.js': '.mjs' },
    // Nothing is written here: the path only makes source maps the same wherever the bundle is put.
    outdir: join(projectFolder, 'dist', 'functions'),
    write: false,
    logLevel: 'error',
    plugins: [findWorkers(workers)],
  })
  let bytes = 0
  for (const { path, contents } of outputFiles) {
    await writeFile(join(folder, basename(path)), contents)
    if (path.endsWith('.mjs')) bytes += contents.length
  }
  return { bytes, workers }
}

/**
 * Bundles one function into `<out>/<name>`. `entry` is its module. `bundleSdk` puts the AWS SDK in, which Lambda's runtime has. The same sources
 * give the same bytes.
 */
export async function bundleFunction({
  name,
  entry,
  out,
  bundleSdk = false,
}: {
  name: string
  entry: string
  out: string
  bundleSdk?: boolean
}): Promise<Bundle> {
  const folder = join(out, name)
  await mkdir(folder, { recursive: true })
  let { bytes, workers } = await bundleFile({ entry, outName: 'index', folder, bundleSdk })
  const done = new Set<string>()
  // A worker may start workers of its own.
  for (const waiting = [...workers]; waiting.length > 0; ) {
    const worker = waiting.pop()!
    if (done.has(worker)) continue
    done.add(worker)
    const bundled = await bundleFile({ entry: worker, outName: basename(worker, '.ts'), folder, bundleSdk })
    bytes += bundled.bytes
    waiting.push(...bundled.workers)
  }
  return { name, folder, bytes }
}

/** The functions that may be deployed: the file of each in `functions/`. */
export const functionNames = [
  'receive',
  'convert',
  'register',
  'assign-keys',
  'add-keys',
  'commit',
  'check',
  'catalog',
  'bridge',
] as const

export type FunctionName = (typeof functionNames)[number]
export type Bundles = Record<FunctionName, Bundle>

/** Bundles all functions, each into a folder of its own in `out`. */
export async function bundleFunctions({ bundleSdk, out }: { bundleSdk: boolean; out: string }): Promise<Bundles> {
  const bundles: Bundle[] = []
  for (const name of functionNames) {
    const entry = join(projectFolder, 'functions', `${name}.ts`)
    bundles.push(await bundleFunction({ name, entry, out, bundleSdk }))
  }
  return Object.fromEntries(bundles.map(bundle => [bundle.name, bundle])) as Bundles
}
