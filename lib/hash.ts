import { createHash } from 'node:crypto'

/** SHA-256 in lower-case hex. Strings are hashed as UTF-8. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** SHA-256 of a value's canonical JSON: equal values give equal hashes, whatever the order of their keys. */
export function hashValue(value: unknown): string {
  return sha256(canonicalJson(value))
}

/** True of what a pair of braces in JSON or in code makes, and of no instance of a class: a Date has no members to write. */
function isRecord(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || prototype === Object.prototype
}

/**
 * JSON with object keys in code-unit order and no white space; `undefined` members are left out. Bigints are written as integers. Throws
 * TypeError for what JSON has no form for: dates, maps, functions, numbers that are not finite.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return `[${value.map(item => canonicalJson(item ?? null)).join(',')}]`
  if (value !== null && typeof value === 'object') {
    if (!isRecord(value)) throw new TypeError(`JSON has no form for a ${value.constructor.name}`)
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`).join(',')}}`
  }
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined || (typeof value === 'number' && !Number.isFinite(value)))
    throw new TypeError(`JSON has no form for ${typeof value === 'number' ? value : `a value of type ${typeof value}`}`)
  return text
}

/** The first 53 bits of a SHA-256 as a positive safe integer: an id that JavaScript and JSON readers hold exactly. */
export function hash53(data: string): number {
  const digest = createHash('sha256').update(data).digest()
  const value = digest.readUIntBE(0, 6) * 32 + (digest[6]! >> 3)
  return value === 0 ? 1 : value
}

/** Name-based UUID, version 5 (RFC 9562, section 5.5). `namespace` is a UUID in its usual text form. */
export function uuidV5(namespace: string, name: string): string {
  const bytes = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest()
    .subarray(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x50
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
