/** Thrown text is never quoted in the message: it may hold what must not leave the system. */
export class JsonError extends Error {
  override name = 'JsonError'
}

/**
 * Parses JSON without losing digits: an integer that a double cannot hold becomes a bigint, everything else is as with `JSON.parse`.
 * Iceberg snapshot ids written by engines use 63 bits. Throws JsonError, which names `subject`.
 */
export function parseJson(text: string, subject = 'JSON'): unknown {
  try {
    return JSON.parse(text, function revive(_key, value: unknown, context?: { source?: string }) {
      if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
      const source = context?.source
      return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
    } as (key: string, value: unknown) => unknown)
  } catch (cause) {
    throw new JsonError(`${subject} is not valid JSON`, { cause })
  }
}

/** Writes JSON with bigints as plain integers. Member order is the object's own. */
export function stringifyJson(value: unknown, indent?: number): string {
  const { rawJSON } = JSON as unknown as { rawJSON(text: string): unknown }
  return JSON.stringify(
    value,
    (_key, member) => (typeof member === 'bigint' ? rawJSON(member.toString()) : member),
    indent,
  )
}
