import { TransientError } from '../errors.ts'

const absent = new Set(['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'])
const passing = new Set(['EMFILE', 'ENFILE', 'EAGAIN', 'EBUSY', 'ENOSPC', 'EIO', 'ESTALE'])

/** The code of a failure of the file system: `ENOENT`. */
export const codeOf = (error: unknown): string | undefined => (error as NodeJS.ErrnoException | undefined)?.code

/** TransientError for a failure of the file system that passes by itself (a full disk, too many open files), otherwise the error itself. */
export function translateFileError(error: unknown): unknown {
  const code = codeOf(error)
  return code !== undefined && passing.has(code)
    ? new TransientError(`file system answered ${code}`, { cause: error })
    : error
}

/** Resolves as the work does, and with undefined where there is no such file; throws what `translateFileError` makes of other failures. */
export async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (absent.has(codeOf(error) ?? '')) return undefined
    throw translateFileError(error)
  }
}
