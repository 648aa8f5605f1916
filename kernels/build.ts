// Compiles all kernels into lib/kernels: `npm run kernels`, after a change of kernels/*.as.ts.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileKernel, kernelNames } from './compile.ts'

for (const name of kernelNames) {
  const text = await compileKernel(name)
  writeFileSync(join(import.meta.dirname, '..', 'lib', 'kernels', `${name}.wasm.ts`), text)
  console.log(`${name}: ${text.length} bytes of text`)
}
