import fc from 'fast-check'
import { expect, test } from 'vitest'
import text from '../../../lib/kernels/count-byte.wasm.ts'
import { instantiateKernel } from '../../../lib/kernels/load.ts'

test('counts a byte anywhere in memory', () => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { countByte } = instantiateKernel<{ countByte: (start: number, end: number, byte: number) => number }>(
    text,
    memory,
  )
  const bytes = new Uint8Array(memory.buffer)
  const byte = fc.constantFrom(0, 0x22, 0x41, 0xa2, 0xff)
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 100 }), fc.nat(64), byte, (values, start, wanted) => {
      bytes.set(values, start)
      expect(countByte(start, start + values.length, wanted)).toBe(values.filter(value => value === wanted).length)
    }),
  )
})
