import { ApiError } from './errors.ts'

/** The bytes from `start` to `end`, both included. */
export interface ByteRange {
  start: number
  end: number
}

/** 416. `size` is told only where the object has no such bytes, not where the range is none that lakeFS serves. */
export class UnservableRange extends ApiError {
  readonly size: number | undefined

  constructor(size?: number) {
    super(416, 'Requested Range Not Satisfiable')
    this.size = size
  }
}

/** Throws 400 where a Range header is none. */
export function checkRange(header: string): void {
  const pattern = '^bytes=((\\d*-\\d*,? ?)+)$'
  if (new RegExp(pattern).test(header)) return
  const what = `string doesn't match the regular expression "${pattern}"`
  throw new ApiError(400, `parameter "Range" in header has an error: ${what}`)
}

/** Reads a Range header (RFC 9110, one range only). Throws 416 where it cannot be served. */
export function parseRange(header: string, size: number): ByteRange {
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? []
  if (from === '' && to === '') throw new UnservableRange()
  if (from === '') {
    if (Number(to) === 0) throw new UnservableRange(size)
    return { start: Math.max(0, size - Number(to)), end: size - 1 }
  }
  const start = Number(from)
  if (to !== '' && start > Number(to)) throw new UnservableRange()
  if (start > size - 1) throw new UnservableRange(size)
  return { start, end: to === '' ? size - 1 : Math.min(Number(to), size - 1) }
}
