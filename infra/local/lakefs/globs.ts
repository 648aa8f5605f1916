/**
 * Patterns of branch names. Names hold only letters, digits, `_` and `-`, so that a path separator plays no part. Understood are `*`, `**`, `?`,
 * `[abc]`, `[a-z]`, `[!a]`, `[^a]`, `{a,b}` and `\`.
 */
export function matchesGlob(pattern: string, name: string): boolean {
  return toRegExp(pattern).test(name)
}

function toRegExp(pattern: string): RegExp {
  let source = ''
  let depth = 0
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index]!
    const end = character === '[' ? pattern.indexOf(']', index + 2) : -1
    if (end > 0) {
      const inside = pattern.slice(index + 1, end)
      const negated = /^[!^]/.test(inside)
      source += `[${negated ? '^' : ''}${(negated ? inside.slice(1) : inside).replace(/[\\\]^[]/g, '\\$&')}]`
      index = end
    } else if (character === '*') source += '.*'
    else if (character === '?') source += '.'
    else if (character === '{') {
      source += '(?:'
      depth++
    } else if (character === '}' && depth > 0) {
      source += ')'
      depth--
    } else if (character === ',' && depth > 0) source += '|'
    else {
      const literal = character === '\\' ? (pattern[++index] ?? '\\') : character
      source += literal.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
    }
  }
  return new RegExp(`^${source}${')'.repeat(depth)}$`, 's')
}
