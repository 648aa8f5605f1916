import { expect, it } from 'vitest'
import { checkAction } from '../../../lib/gate/rule-action.ts'
import { formatGateAction } from '../../../lib/gate-action.ts'
import { gatePath } from '../../../lib/layout.ts'
import { memoryLakefs } from '../../support/memory-lakefs.ts'

const url = 'https://gate.example/check'
const lawful = formatGateAction({ url })

/** What is said of a ref that holds these objects; `listed` are the paths that the view knows. */
async function check(tree: Record<string, string>, listed = Object.keys(tree)) {
  const { lakefs, commit } = memoryLakefs('bed')
  const ref = commit(tree)
  const view = {
    study: 'bed',
    bucket: 'lake',
    listing: new Map(listed.map(path => [path, path])),
    tables: [],
    problems: [],
  }
  return checkAction({ lakefs }, view, ref)
}
const of = (text: string) => check({ [gatePath]: text })
const missing = [
  {
    code: 'gate-missing',
    message: `there is no ${gatePath}: lakeFS would not ask the gate for what comes of this branch`,
  },
]
const changed = [{ code: 'gate-changed', message: `${gatePath} is not as the system writes it` }]

it.each([url, 'http://127.0.0.1:8000/'])('is as it should be where it calls %s', async at => {
  expect(await of(formatGateAction({ url: at }))).toEqual([])
})

it('is not asked of an empty repository', async () => {
  expect(await check({})).toEqual([])
  expect(await check({ [gatePath]: lawful }, [])).toEqual([])
})

it('is missing where other objects are and it is not, or goes meanwhile', async () => {
  expect(await check({ 'study/version.json': '{}' })).toEqual(missing)
  expect(await check({ [gatePath]: lawful, other: '' }, ['other'])).toEqual(missing)
  expect(await check({}, [gatePath])).toEqual(missing)
})

it.each([
  ['another event', lawful.replace('pre-merge', 'post-merge')],
  ['another header', lawful.replace('ENV.', '')],
  ['a comment', `${lawful}# mine\n`],
  ['text behind a lawful one', `${lawful}x: y\n`],
  ['no YAML', '{'],
  ['nothing', ''],
  ['no hooks', 'name: x\n'],
  ['an empty list of hooks', 'hooks: []\n'],
  ['a hook without properties', 'hooks:\n  - id: check\n'],
  ['hooks that are no list', 'hooks: 1\n'],
  ['no URL', formatGateAction({ url: undefined as unknown as string })],
  ['a URL that is no text', formatGateAction({ url: 7 as unknown as string })],
  ['a list of URLs', formatGateAction({ url: ['http://gate/'] as unknown as string })],
  ['a URL that is none', formatGateAction({ url: 'gate' })],
  ['a URL of another protocol', formatGateAction({ url: 'file:///gate' })],
  ['a URL of a protocol that only begins so', formatGateAction({ url: 'https-x://gate/' })],
  ['a URL of a protocol that only ends so', formatGateAction({ url: 'xhttp://gate/' })],
])('is changed where it has %s', async (_what, text) => {
  expect(await of(text)).toEqual(changed)
})
