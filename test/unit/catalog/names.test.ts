import fc from 'fast-check'
import { expect, it } from 'vitest'
import { formatNamespace, parseNamespace, quote, readNamespace, readTableName } from '../../../lib/catalog/names.ts'
import { layers } from '../../../lib/layout.ts'

const study = fc.stringMatching(/^[a-z0-9][a-z0-9-]{2,20}$/)
const ref = fc.stringMatching(/^[A-Za-z0-9][-A-Za-z0-9_]{0,20}$/)
const layer = fc.constantFrom(undefined, ...layers)

it('a namespace is read as it is written, by levels or with a dot', () => {
  fc.assert(
    fc.property(study, ref, layer, (study, ref, layer) => {
      const name = { study, ref, ...(layer && { layer }) }
      const levels = formatNamespace(name)
      expect(readNamespace(levels)).toEqual(name)
      expect(parseNamespace(levels.join('\u001f'))).toEqual(name)
      expect(parseNamespace(levels.join('.'))).toEqual(name)
    }),
  )
})

it('nothing that is read holds more than plain names', () => {
  const odd = fc.constantFrom('', '~1', '^', ':x', '@', '/x', '\u001f', '.raw', '\n')
  const near = fc.tuple(study, fc.constantFrom('@', '@@', ''), ref, odd, fc.string()).map(parts => parts.join(''))
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), fc.string(), (text, table) => {
      const found = parseNamespace(text)
      if (!found) return
      expect(found.study).toMatch(/^[a-z0-9-]{3,63}$/)
      expect(found.ref).toMatch(/^[A-Za-z0-9][-A-Za-z0-9_]*$/)
      expect(formatNamespace(found).join('.')).toBe(text.replace('\u001f', '.'))
      const name = readTableName(found, table)
      if (name) expect(name.table).toMatch(/^[a-z][a-z0-9_]*$/)
    }),
  )
})

it('what a client wrote is shown on one line, and not all of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 500 }), text => {
      expect(quote(text)).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}]*$/u)
      expect(quote(text).length).toBeLessThan(700)
    }),
  )
})
