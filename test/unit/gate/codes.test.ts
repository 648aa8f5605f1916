import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { explanations, formatExplanations } from '../../../lib/gate/explain-code.ts'

it('docs/gate.md lists every code with its cause and its cure', async () => {
  const text = await readFile(join(import.meta.dirname, '../../../docs/gate.md'), 'utf8')
  expect(text.slice(text.indexOf('| code |')).trim()).toBe(formatExplanations())
})

it('every one says what to do, and no two codes say the same', () => {
  const all = Object.values(explanations)
  for (const { cause, cure } of all) expect(`${cause} ${cure}`).toMatch(/^[A-Zs_].*\. .*\.$/)
  expect(new Set(all.map(({ cause }) => cause)).size).toBe(all.length)
})
