import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { compileKernel, kernelNames } from '../../../kernels/compile.ts'

const folder = join(import.meta.dirname, '../../../lib/kernels')

test.each(kernelNames)('%s is what the compiler makes of its source', async name => {
  const committed = readFileSync(join(folder, `${name}.wasm.ts`), 'utf8')
  expect(committed === (await compileKernel(name)), 'run `npm run kernels`').toBe(true)
})

test('no kernel is without its source', () => {
  const compiled = readdirSync(folder).filter(file => file.endsWith('.wasm.ts'))
  expect(compiled.sort()).toEqual(kernelNames.map(name => `${name}.wasm.ts`).sort())
})
