import { ApiError } from './errors.ts'

/** The bytes from `start` to `end`, both included. */
export interface ByteRange {
  start: number
  end: number
}

const unsatisfiable = () => new ApiError(416, 'Requested Range Not Satisfiable')

/** Reads a Range header (RFC 9110, one range only). Throws 400 where it is none, 416 where the object has no such bytes. */
export function parseRange(header: string, size: number): ByteRange {
  if (!/^bytes=((\d*-\d*,? ?)+)$/.test(header)) {
    const pattern = '^bytes=((\\d*-\\d*,? ?)+)$'
    throw new ApiError(
      400,
      `parameter "Range" in header has an error: string doesn't match the regular expression "${pattern}"`,
    )
  }
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? []
  if (from === '') {
    if (Number(to) === 0) throw unsatisfiable()
    return { start: Math.max(0, size - Number(to)), end: size - 1 }
  }
  const start = Number(from)
  const end = to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (start > size - 1 || (to !== '' && start > Number(to))) throw unsatisfiable()
  return { start, end }
}
