import { closeSync, fstatSync, openSync, readSync, type Stats } from 'node:fs'
import type { ByteSource } from '../../lib/parquet/read-source.ts'
import { CommandError } from './failure.ts'
import { showPath } from './paths.ts'

/** A file of the user's that is read where it lies, in parts. */
export interface LocalFile extends ByteSource {
  path: string
  info: Stats
  /** Bytes that were read so far. */
  bytesRead(): number
  close(): void
}

/** Opens a file. Throws CommandError where there is none, or it cannot be read. */
export function openLocalFile(path: string): LocalFile {
  let handle: number
  try {
    handle = openSync(path, 'r')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new CommandError(`${showPath(path)} ${code === 'ENOENT' ? 'does not exist' : `cannot be read: ${message}`}`, {
      cause,
    })
  }
  const info = fstatSync(handle)
  if (!info.isFile()) {
    closeSync(handle)
    throw new CommandError(`${showPath(path)} is no file`)
  }
  let read = 0
  return {
    subject: showPath(path),
    path,
    info,
    read(start, end) {
      // Its own buffer: typed arrays are laid over what is read.
      const bytes = new Uint8Array(Math.max(0, Math.min(end, info.size) - start))
      let filled = 0
      while (filled < bytes.length) {
        const count = readSync(handle, bytes, filled, bytes.length - filled, start + filled)
        if (count === 0) break
        filled += count
      }
      read += filled
      return bytes.subarray(0, filled)
    },
    bytesRead: () => read,
    close: () => closeSync(handle),
  }
}
