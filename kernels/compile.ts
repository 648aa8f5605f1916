import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import asc from 'assemblyscript/asc'

/** The kernels: inner loops in AssemblyScript, a file each. They import a memory and have no runtime: what they use lies where they are told. */
export const kernelNames = readdirSync(import.meta.dirname)
  .filter(file => file.endsWith('.as.ts'))
  .map(file => file.slice(0, -'.as.ts'.length))

/**
 * Compiles kernels/NAME.as.ts to the text of lib/kernels/NAME.wasm.ts. Equal sources give equal bytes: the compiler is pinned. Throws what the
 * compiler says.
 */
export async function compileKernel(name: string): Promise<string> {
  let wasm: Uint8Array | undefined
  const options = ['--runtime', 'stub', '-O3', '--converge', '--noAssert', '--enable', 'simd', '--importMemory']
  const { error, stderr } = await asc.main(
    [`${name}.as.ts`, '--baseDir', import.meta.dirname, '--outFile', 'out.wasm', ...options],
    {
      writeFile: (_file: string, contents: string | Uint8Array) => {
        wasm = contents as Uint8Array
      },
    },
  )
  if (error || !wasm) throw new Error(`${join('kernels', name)}.as.ts: ${stderr.toString()}`, { cause: error })
  const text = Buffer.from(wasm).toString('base64')
  return `// Compiled from kernels/${name}.as.ts by \`npm run kernels\`.\nexport default '${text}'\n`
}
