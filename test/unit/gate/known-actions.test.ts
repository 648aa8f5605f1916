import { expect, it } from 'vitest'
import { checkAction, fingerprintAction, knownActions } from '../../../lib/gate/rule-action.ts'
import { formatGateAction } from '../../../lib/gate-action.ts'
import { gatePath } from '../../../lib/layout.ts'

/** Every text that a release has put on branches, as it stood there; a text that is changed is added here and to the list of known ones. */
const shipped = [
  `name: studylake gate
on:
  pre-commit: {}
  pre-merge: {}
  pre-revert: {}
  pre-cherry-pick: {}
hooks:
  - id: check
    type: webhook
    properties:
      url: https://gate.example/check
      timeout: 55s
      headers:
        x-studylake-token: "{{ ENV.LAKEFSACTION_GATE_TOKEN }}"
`,
]
const url = 'https://gate.example/check'

async function judge(text: string): Promise<string[]> {
  const lakefs = { getObject: async () => Buffer.from(text) } as never
  const view = { study: 's', bucket: 'lake', listing: new Map([[gatePath, undefined]]), tables: [], problems: [] }
  return (await checkAction({ lakefs }, view, 'v1')).map(({ code }) => code)
}

it('all that was shipped is known, and what is written now is among it', async () => {
  expect([...knownActions]).toEqual(shipped.map(text => fingerprintAction(text, url)))
  expect(shipped).toContain(formatGateAction({ url }))
  for (const text of shipped) expect(await judge(text)).toEqual([])
})

it.each([
  url,
  'http://127.0.0.1:29999/functions/check',
  `https://${'x'.repeat(60)}.lambda-url.eu-central-1.on.aws/?${'y'.repeat(100)}`,
  'http://gate/?a=b:%20c#d',
])('whatever address it calls: %s', async at => {
  expect(knownActions.has(fingerprintAction(formatGateAction({ url: at }), at))).toBe(true)
  expect(await judge(formatGateAction({ url: at }))).toEqual([])
})

it('the present text is known even where its address is written over several lines', async () => {
  const at = `http://gate/?${'a: b '.repeat(30)}c`
  expect(knownActions.has(fingerprintAction(formatGateAction({ url: at }), at))).toBe(false)
  expect(await judge(formatGateAction({ url: at }))).toEqual([])
})

it('a text of which anything but the address is otherwise is not', async () => {
  const [text = ''] = shipped
  for (const other of [
    text.replace('  pre-revert: {}\n', ''),
    text.replace('55s', '54s'),
    text.replace('pre-merge: {}', 'pre-merge:\n    branches: [main]'),
    `# ${url}\n${text}`,
    text.replace(url, `${url} # ${url}`),
    text.replace('x-studylake-token', 'x-token'),
  ])
    expect(await judge(other)).toEqual(['gate-changed'])
})
