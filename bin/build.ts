// Makes dist/studylake.mjs of bin/standalone.ts: `npm run build`.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build, type Plugin } from 'esbuild'

const projectFolder = join(import.meta.dirname, '..')

/** In one file the thread that converts is that file, which tells by itself that it is in one. */
const sameFile: Plugin = {
  name: 'same-file',
  setup({ onLoad }) {
    onLoad({ filter: /lib[\\/]convert[\\/]worker\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8')
      const contents = source.replace("new URL('./part-worker.ts', import.meta.url)", 'new URL(import.meta.url)')
      if (contents === source) throw new Error(`${path} names no file for its thread`)
      return { contents, loader: 'ts' }
    })
  },
}

/** Writes the file that Node 22 and later run, with all that it needs. Modules that a command does not import are not evaluated. */
export async function buildStandalone(outfile = join(projectFolder, 'dist', 'studylake.mjs')): Promise<string> {
  await build({
    absWorkingDir: projectFolder,
    entryPoints: ['bin/standalone.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    mainFields: ['module', 'main'],
    // Fewer bytes to read and parse at every start; names stay, for errors and profiles.
    minifyWhitespace: true,
    minifySyntax: true,
    legalComments: 'none',
    banner: {
      js: "#!/usr/bin/env node\nimport{createRequire as studylakeRequire}from'node:module';const require=studylakeRequire(import.meta.url);",
    },
    logLevel: 'warning',
    plugins: [sameFile],
  })
  return outfile
}

if (import.meta.main) console.log(await buildStandalone())
