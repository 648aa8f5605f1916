/**
 * S3 keys as paths of a file system. An ordinary key is its own path (`study/v1/dm.csv`); everything else is escaped, by a rule that looks
 * at one segment alone, so that no two keys share a path and no file stands where another key needs a folder:
 *
 * - a file whose name does not look like one (`dm`) and a folder whose name does (`dm.csv/…`) are marked with a final `%`;
 * - `%`, control characters and what Windows reserves, a final dot or space, and the reserved name `.meta` are written as `%XX`;
 * - an empty segment is `%` as a file and `%-` as a folder;
 * - a segment longer than 240 bytes goes on in the next folder, each piece but the last with a final `%+`.
 *
 * A file that somebody copied in by hand need not follow the rule: a name that is not what the rule would have written stands for itself.
 */
export type Role = 'file' | 'folder'

/** The folder, at the top of a directory store, that holds what is no object. No object's path has a segment of this name. */
export const metaFolder = '.meta'

const longest = 240
const looksLikeFile = (segment: string): boolean => /\.[a-z][a-z0-9]{0,7}$/i.test(segment)

const percent = (text: string): string =>
  [...Buffer.from(text)].map(byte => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')

function escapeSegment(segment: string): string {
  if (segment === metaFolder) return `${percent('.')}${segment.slice(1)}`
  return segment.replace(/[\p{Cc}%<>:"|?*\\]|[. ]$/gu, percent)
}

const unescapeSegment = (text: string): string =>
  text.replace(/(?:%[0-9A-F]{2})+/g, run => Buffer.from(run.replaceAll('%', ''), 'hex').toString())

function splitLong(text: string): string[] {
  if (Buffer.byteLength(text) <= longest) return [text]
  const pieces: string[] = []
  let piece = ''
  let bytes = 0
  // An escape or a character is never cut in two.
  for (const [unit] of text.matchAll(/%[0-9A-F]{2}|./gsu)) {
    const more = Buffer.byteLength(unit)
    if (bytes + more > longest) {
      pieces.push(piece)
      piece = ''
      bytes = 0
    }
    piece += unit
    bytes += more
  }
  return [...pieces, piece]
}

/** The names that one segment of a key takes on disk, outermost first; more than one only where the segment is long. */
export function encodeSegment(segment: string, role: Role): string[] {
  if (segment === '') return [role === 'file' ? '%' : '%-']
  const pieces = splitLong(escapeSegment(segment))
  const marked = (role === 'file') !== looksLikeFile(segment)
  return pieces.map((piece, index) => (index < pieces.length - 1 ? `${piece}%+` : marked ? `${piece}%` : piece))
}

/** True for a name whose segment goes on in the folder of this name. */
export const goesOn = (name: string): boolean => name.endsWith('%+')

/** The part of a segment that a name holds, whatever its role. */
export function decodeName(name: string): string {
  if (name === '%-') return ''
  return unescapeSegment(name.replace(/%\+?$/, ''))
}

const sameNames = (a: string[], b: string[]): boolean => a.length === b.length && a.every((name, i) => name === b[i])

/** The segment that names on disk stand for, or undefined where they stand for none. */
export function decodeSegment(names: string[], role: Role): string | undefined {
  const segment = names.map(decodeName).join('')
  if (sameNames(encodeSegment(segment, role), names)) return segment
  return names.length === 1 && standsForItself(names[0]!) ? names[0] : undefined
}

const standsForItself = (name: string): boolean =>
  !goesOn(name) && !['', '.', '..', metaFolder].includes(name) && !/[\0/]/.test(name) && Buffer.byteLength(name) <= 255

/** Where the store puts the object of that key, relative to its folder. */
export function pathOfKey(key: string): string {
  return segmentsOf(key)
    .flatMap(([segment, role]) => encodeSegment(segment, role))
    .join('/')
}

/** For each segment of a key the paths at which it may lie: the store's own, and the name itself where a person may have made it. */
export function alternativesOfKey(key: string): string[][] {
  return segmentsOf(key).map(([segment, role]) => {
    const own = encodeSegment(segment, role).join('/')
    return own !== segment && standsForItself(segment) && decodeSegment([segment], role) === segment
      ? [own, segment]
      : [own]
  })
}

function segmentsOf(key: string): [segment: string, role: Role][] {
  const segments = key.split('/')
  return segments.map((segment, index) => [segment, index < segments.length - 1 ? 'folder' : 'file'])
}

/** Throws where text is no S3 key: 1 to 1,024 bytes of well-formed Unicode. */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key)
  if (bytes === 0 || bytes > 1024) throw new RangeError(`object key has ${bytes} bytes, expected 1 to 1024`)
  if (!key.isWellFormed()) throw new RangeError('object key is not well-formed Unicode')
}

/** Compares text by its UTF-8 bytes, the order in which S3 lists keys. */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i)
    const y = b.charCodeAt(i)
    if (x === y) continue
    // UTF-16 puts surrogates, which stand for the highest code points, before U+E000.
    const xHigh = x >= 0xd800 && x < 0xe000
    const yHigh = y >= 0xd800 && y < 0xe000
    return xHigh === yHigh ? x - y : xHigh ? 1 : -1
  }
  return a.length - b.length
}
