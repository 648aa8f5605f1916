import { sha256 } from '../hash.ts'

/** A short name for what led to a message, of letters and digits: fit for a deduplication id. */
export function nameCause(...parts: (string | number | undefined)[]): string {
  return sha256(JSON.stringify(parts)).slice(0, 24)
}
