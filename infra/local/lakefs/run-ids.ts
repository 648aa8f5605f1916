import { createHash } from 'node:crypto'

const yearThree000 = 32_500_915_200
const digits = '0123456789abcdefghijklmnopqrstuv'

/** Ids of action runs as lakeFS's: 20 characters that sort the newest second first (its xid of "time until the year 3000"). */
export function createRunIds({ now, randomId }: { now(): Date; randomId(): string }): () => string {
  const machine = createHash('sha256').update(randomId()).digest().subarray(0, 5)
  let counter = createHash('sha256').update(randomId()).digest().readUIntBE(0, 3)
  return () => {
    counter = (counter + 1) % 2 ** 24
    const bytes = Buffer.alloc(12)
    bytes.writeUInt32BE((yearThree000 - Math.floor(now().getTime() / 1000)) % 2 ** 32)
    machine.copy(bytes, 4)
    bytes.writeUIntBE(counter, 9, 3)
    let bits = BigInt(`0x${bytes.toString('hex')}`) << 4n
    let id = ''
    for (let index = 0; index < 20; index++, bits >>= 5n) id = digits[Number(bits & 31n)] + id
    return id
  }
}
