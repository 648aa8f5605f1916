import { ApiError } from './errors.ts'

const invalid = (argument: string, kind: string) =>
  new ApiError(400, `argument ${argument}: ${kind}: invalid value: validation error`)
/** lakeFS takes an empty name for its own mistake. */
const required = (argument: string) => new ApiError(500, `argument ${argument}: required value: validation error`)

export const repositoryPattern = /^[a-z0-9][a-z0-9-]{2,62}$/

export function checkRepository(name: string): void {
  if (!repositoryPattern.test(name)) throw invalid('repository', 'repository id')
}

/** `argument` is what lakeFS calls the parameter in its message. */
export function checkBranch(name: string, argument = 'branch'): void {
  if (name === '') throw required(argument)
  if (!/^\w[-\w]*$/.test(name)) throw invalid(argument, 'branch id')
}

export function checkNewBranch(name: string): void {
  try {
    checkBranch(name)
  } catch (error) {
    if (!(error instanceof ApiError) || name === '') throw error
    const rule = 'branch id must consist of letters, digits, underscores and dashes, and cannot start with a dash'
    throw new ApiError(400, `${error.message}: ${rule}`)
  }
}

export function checkTag(name: string): void {
  if (name === '') throw required('tagID')
  const forbidden = /^@$|\.$|\.lock$|\.\.|\/|@\{|[\^:?*[\\]/
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the rule is about control characters
  if (forbidden.test(name) || /[\u0000-\u0020]/.test(name)) throw invalid('tagID', 'tag id')
}

export function checkRef(ref: string, argument = 'ref'): void {
  if (ref === '') throw required(argument)
  if (/\s/.test(ref)) throw invalid(argument, 'ref')
}

/** Bytes in UTF-8. */
const longestPath = 1024

export function checkPath(path: string): void {
  const length = Buffer.byteLength(path)
  if (length === 0) throw new ApiError(400, 'argument path: missing path: required value: validation error')
  if (length > longestPath) {
    const what = `${length} is above maximum length (${longestPath})`
    throw new ApiError(400, `argument path: invalid value: validation error: ${what}`)
  }
}
