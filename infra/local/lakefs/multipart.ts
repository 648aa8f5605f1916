/** One part of a `multipart/form-data` body. */
export interface Part {
  name: string | undefined
  /** Empty where the part names none. */
  contentType: string
  bytes: Buffer
}

/** Splits a multipart body (RFC 7578). What is not whole is left out. */
export function* readParts(body: Buffer, boundary: string): Generator<Part> {
  const mark = Buffer.from(`\r\n--${boundary}`)
  const text = Buffer.concat([Buffer.from('\r\n'), body])
  for (let at = text.indexOf(mark); at >= 0; ) {
    const start = at + mark.length
    const end = text.indexOf(mark, start)
    const headEnd = text.indexOf('\r\n\r\n', start)
    if (end < 0 || headEnd < 0 || headEnd > end) return
    const head = text.toString('utf8', start, headEnd)
    const header = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'im').exec(head)?.[1]?.trim()
    yield {
      name: /[;\s]name="?([^";]*)"?/i.exec(header('content-disposition') ?? '')?.[1],
      contentType: header('content-type') ?? '',
      bytes: text.subarray(headEnd + 4, end),
    }
    at = end
  }
}
