import { beforeEach, describe, expect, it } from 'vitest'
import type { HookPayload } from '../../../events/gate.ts'
import { answerHook } from '../../../lib/gate/answer-hook.ts'
import { attest, judgeCommit, readAttestation } from '../../../lib/gate/attest.ts'
import { type CheckOptions, checkRef } from '../../../lib/gate/check-ref.ts'
import { currentSnapshot, parseTableMetadata } from '../../../lib/iceberg/metadata.ts'
import { contentsPath, gatePath, tablePath, versionMarkerKey, versionPath } from '../../../lib/layout.ts'
import { bedStudy, type GateBed, makeGateBed } from '../../support/gate-bed.ts'
import { type MemoryLakefs, memoryLakefs, type Tree } from '../../support/memory-lakefs.ts'

const study = bedStudy
let bed: GateBed
let repository: MemoryLakefs
/** The head of v1, of keys, and of main, which has the gate alone. */
let head: string
beforeEach(async () => {
  bed = await makeGateBed()
  repository = memoryLakefs(study)
  repository.commit({ [gatePath]: bed.tree[gatePath]! }, { branch: 'main' })
  head = repository.commit(bed.tree, { branch: 'v1', parents: ['c1'] })
  repository.branches.set('keys', head)
})

const environment = () => ({ lakefs: repository.lakefs, lake: bed.store, now: () => new Date(0) })
const without = (...paths: string[]): Tree =>
  Object.fromEntries(Object.entries(bed.tree).filter(([path]) => !paths.includes(path)))
/** A commit that goes on from v1. */
const commitOf = (tree: Tree, branch?: string) => repository.commit(tree, { parents: [head], branch })
const codes = ({ problems }: { problems: { code: string; table?: string }[] }) =>
  problems.map(({ code, table }) => (table === undefined ? code : `${code} ${table}`))
const check = (ref: string, options?: CheckOptions) => checkRef(environment(), study, ref, options)
/** The table with another property, which is no fault. */
const touched = (path: string): Tree => ({
  [path]: bed.tree[path]!.replace('"gc.enabled"', '"a": "b",\n    "gc.enabled"'),
})
/** Paths of tables that were read of a ref. */
const tablesRead = (ref: string) => {
  const start = `getObject ${ref} tables/`
  return new Set(repository.calls.filter(call => call.startsWith(start)).map(call => call.slice(start.length - 7)))
}

describe('a ref', () => {
  it('is judged whole: a version by all rules, others by those of structure', async () => {
    expect(await check('v1')).toEqual({ profile: 'full', tables: 8, problems: [] })
    expect(await check('v1', { profile: 'structure' })).toEqual({ profile: 'structure', tables: 8, problems: [] })
    expect(await check(head, { destination: 'v1' })).toEqual({ profile: 'full', tables: 8, problems: [] })
    repository.branches.set('mine', head)
    expect((await check('mine')).profile).toBe('structure')
    expect((await check(head)).profile).toBe('structure')
  })

  it.each<[string, Tree | ((tree: Tree) => Tree), string[]]>([
    ['stray objects', { 'a.parquet': 'x', 'notes.md': 'x' }, ['object-stray', 'object-outside']],
    ['a table that cannot be read', { [tablePath('work', 'a')]: '{' }, ['table-unreadable work.a']],
    [
      'metadata that disagrees',
      tree => ({
        'tables/raw/tv.json': tree['tables/raw/tv.json']!.replace('"default-spec-id": 0', '"default-spec-id": 7'),
      }),
      ['partition-spec-missing raw.tv'],
    ],
    ['a copy', tree => ({ 'tables/work/a.json': tree['tables/raw/dm.json']! }), ['table-uuid-shared work.a']],
    [
      'addresses of others',
      tree => ({
        'tables/raw/tv.json': tree['tables/raw/tv.json']!.replace(
          's3://lake/data/bed/raw/tv"',
          's3://lake/data/other"',
        ),
      }),
      ['address-outside raw.tv', 'table-location raw.tv'],
    ],
    [
      'contents that cannot be read',
      { [contentsPath]: '{' },
      [
        'declaration-unreadable',
        ...['raw', 'base'].flatMap(layer => ['ae', 'dm', 'tv'].map(dataset => `contents-missing ${layer}.${dataset}`)),
      ],
    ],
    [
      'another record',
      tree => ({ [versionPath]: tree[versionPath]!.replace('"study":"bed"', '"study":"other"') }),
      ['record-study'],
    ],
  ])('that is a version may not have %s', async (_what, change, expected) => {
    const tree = { ...bed.tree, ...(typeof change === 'function' ? change(bed.tree) : change) }
    const found = codes(await check(commitOf(tree), { profile: 'full' }))
    expect(found.sort()).toEqual(expected.sort())
  })

  it('of people may have what a version may not', async () => {
    const own = commitOf({ ...without(contentsPath, versionPath, tablePath('raw', 'dm')), 'notes.md': 'x' })
    expect(codes(await check(own))).toEqual([])
    expect(codes(await check(commitOf({ ...bed.tree, 'a.parquet': 'x' })))).toEqual(['object-stray'])
  })

  it('has its files and keys judged, files in every profile', async () => {
    const dm = 'data/bed/raw/dm/raw-dm.parquet'
    const { bytes } = bed.store.objects.get(dm)!
    await bed.store.put(dm, bytes.slice(1))
    for (const profile of ['full', 'structure'] as const)
      expect(codes(await check('v1', { profile }))).toEqual(['file-size raw.dm'])
    // Exactly: a footer of a version lacks no column, whatever it may lack of people's.
    await bed.store.put(dm, bytes)
    expect(codes(await check('v1'))).toEqual([])
  })

  it('has no keys judged of tables that something else is wrong with', async () => {
    const site = tablePath('keys', 'site')
    // Two key tables of one file: as keys of sites those of patients are unknown.
    const patients = bed.tree[tablePath('keys', 'patient')]!
    const found = codes(await check(commitOf({ ...bed.tree, [site]: patients }), { profile: 'full' }))
    expect(found.filter(code => code.startsWith('key-')).sort()).toEqual(['key-table-columns keys.site'])
  })

  it('needs the gate’s action only where it is to become a commit', async () => {
    const ref = commitOf(without(gatePath))
    expect(codes(await check(ref, { profile: 'full' }))).toEqual([])
    for (const profile of ['full', 'structure'] as const)
      expect(codes(await check(ref, { profile, isCandidate: true }))).toEqual(['gate-missing'])
    expect(codes(await check('v1', { isCandidate: true }))).toEqual([])
  })

  it('is judged for its destination only where it has one', async () => {
    const renamed = commitOf({
      ...bed.tree,
      [versionPath]: bed.tree[versionPath]!.replace('"version":"v1"', '"version":"v2"'),
    })
    expect(codes(await check(renamed, { profile: 'full' }))).toEqual([])
    expect(codes(await check(renamed, { destination: 'v1' }))).toEqual(['version-replaced'])
    expect(codes(await check(renamed, { destination: 'v2' }))).toEqual([])
  })

  it('goes on from its parent, but for a promotion', async () => {
    const dm = tablePath('raw', 'dm')
    const other = bed.tree[dm]!.replace(/("table-uuid": ")../, '$1ff')
    const ref = repository.commit({ ...bed.tree, [dm]: other })
    const of = async (options: CheckOptions) => codes(await check(ref, { profile: 'full', parent: head, ...options }))
    expect(await of({})).toEqual(['table-replaced raw.dm', 'table-uuid raw.dm'])
    expect(await of({ destination: 'v1' })).toEqual(['table-replaced raw.dm', 'table-uuid raw.dm'])
    expect(await of({ destination: '_mainly-0123456789ab' })).toEqual(['table-replaced raw.dm', 'table-uuid raw.dm'])
    expect(await of({ destination: 'main' })).toEqual(['table-uuid raw.dm'])
    expect(await of({ destination: '_main-0123456789ab' })).toEqual(['table-uuid raw.dm'])
    expect(await of({ parent: undefined })).toEqual(['table-uuid raw.dm'])
  })
})

describe('a ref that goes on from a commit', () => {
  const raw = tablePath('raw', 'dm')
  const [both, keys] = [
    [raw, tablePath('base', 'dm')],
    [tablePath('keys', 'patient'), tablePath('keys', 'site')],
  ]
  const judge = async (profile: 'full' | 'structure', tree: Tree = { ...bed.tree, ...touched(raw) }) => {
    const ref = commitOf(tree)
    repository.calls.length = 0
    const verdict = await check(ref, { profile, parent: head })
    return { verdict, read: [...tablesRead(ref)].sort(), ref }
  }

  it('which was found good is judged for what changed, and its counterparts', async () => {
    await attest(environment(), { study, commit: head })
    const full = await judge('full')
    expect(full.verdict).toEqual({ profile: 'full', tables: 4, problems: [] })
    expect(full.read).toEqual([...both, ...keys].sort())
    const structure = await judge('structure')
    expect(structure.verdict).toEqual({ profile: 'structure', tables: 1, problems: [] })
    expect(structure.read).toEqual([raw])
    expect(repository.calls.filter(call => call === `listObjects ${full.ref}`)).toEqual([])
  })

  it('which was not found good by the profile is judged whole', async () => {
    expect((await judge('full')).verdict.tables).toBe(8)
    await attest(environment(), { study, commit: head, profile: 'structure' })
    expect((await judge('full')).verdict.tables).toBe(8)
    expect((await judge('structure')).verdict.tables).toBe(1)
  })

  it('says all that there is to say where something is wrong', async () => {
    await attest(environment(), { study, commit: head })
    const broken = bed.tree[raw]!.replace(/("table-uuid": ")../, '$1ff')
    const { verdict, ref } = await judge('full', { ...bed.tree, [raw]: broken })
    expect(codes(verdict)).toEqual(['table-replaced raw.dm', 'table-uuid raw.dm'])
    expect(repository.calls).toContain(`listObjects ${ref}`)
  })

  it('is listed where single looks do not tell', async () => {
    await attest(environment(), { study, commit: head })
    const copy = { ...bed.tree, [tablePath('work', 'a')]: bed.tree[tablePath('raw', 'tv')]! }
    // What it is a copy of is not read: the listing alone knows.
    expect(codes((await judge('structure', copy)).verdict)).toEqual(['table-uuid-shared work.a'])
  })

  it('may be a branch with its staged changes', async () => {
    await attest(environment(), { study, commit: head })
    repository.stage('v1', tablePath('raw', 'dm'), undefined)
    expect(codes(await check('v1', { parent: head }))).toContain('contents-table-missing raw.dm')
  })
})

describe('judging a commit', () => {
  const judge = (commit: string, destination?: string) => judgeCommit(environment(), { study, commit, destination })
  const attested = (commit: string) => readAttestation(environment(), { study, commit })

  it('attests what is good, by the rules of where it is or goes', async () => {
    expect(await judge(head)).toEqual([])
    expect(await attested(head)).toBe('structure')
    expect(bed.store.objects.has(versionMarkerKey(study, 'v1'))).toBe(false)
    expect(await judge(head, 'v1')).toEqual([])
    expect(await attested(head)).toBe('full')
    expect(bed.store.objects.has(versionMarkerKey(study, 'v1'))).toBe(true)
  })

  it('attests nothing that is not', async () => {
    const bad = commitOf(without(tablePath('raw', 'dm')))
    expect((await judge(bad, 'v1')).map(({ code }) => code)).toContain('contents-table-missing')
    expect(await attested(bad)).toBeUndefined()
    // The same is good enough for people's own.
    expect(await judge(bad, 'mine')).toEqual([])
    expect(await attested(bad)).toBe('structure')
    // And that says nothing for a version.
    expect(await judge(bad, 'v1')).not.toEqual([])
  })

  it('is done once', async () => {
    await judge(head, 'v1')
    repository.calls.length = 0
    expect([await judge(head, 'v1'), await judge(head, 'mine'), await judge(head)]).toEqual([[], [], []])
    expect(repository.calls).toEqual([])
    const own = commitOf(bed.tree)
    await judge(own)
    repository.calls.length = 0
    await judge(own)
    expect(repository.calls).toEqual([])
    await judge(own, 'mine')
    // Whose branch it is has to be asked; what it holds does not.
    expect(repository.calls.some(call => call.includes('tables/'))).toBe(false)
  })

  it('compares with the first parent only where a branch says what that is', async () => {
    const other = bed.tree[tablePath('raw', 'dm')]!.replace(/("table-uuid": ")../, '$1ff')
    const work = tablePath('work', 'a')
    const first = repository.commit({ ...bed.tree, [work]: other })
    const tree = { ...bed.tree, [work]: other.replace(/("table-uuid": ")../, '$1ee') }
    const replaced = repository.commit(tree, { parents: [first] })
    expect((await judge(replaced, 'mine')).map(({ code }) => code)).toEqual(['table-replaced'])
    expect(await judge(replaced)).toEqual([])
  })
})

describe('the answer to a hook', () => {
  const ask = (payload: Partial<HookPayload>) =>
    answerHook(environment(), { event_type: 'pre-merge', repository_id: study, ...payload })
  const refused = (message: string) => ({ problems: [{ code: 'event-refused', message }] })
  const shows = (event: string) =>
    refused(`${event} changes tables without showing the result: load the version again, or merge a branch`)
  const attestations = () => [...bed.store.objects.keys()].filter(key => /^attest\/bed\/c\d+\.json$/.test(key))

  it('before a commit is what is staged, which nothing is attested of', async () => {
    const before = { event_type: 'pre-commit', source_ref: 'v1' }
    expect(await ask(before)).toEqual({ ref: 'v1', problems: [] })
    repository.stage('v1', tablePath('raw', 'dm'), undefined)
    const answer = await ask({ ...before, commit_id: 'c9', branch_id: 'v1' })
    expect(answer.ref).toBe('v1')
    expect(codes(answer)).toContain('contents-table-missing raw.dm')
    expect(attestations()).toEqual([])
  })

  it('before a commit is compared with the head, and needs the action', async () => {
    const work = tablePath('work', 'a')
    const table = bed.tree[tablePath('raw', 'dm')]!.replace(/("table-uuid": ")../, '$1ff')
    repository.commit({ ...bed.tree, [work]: table }, { branch: 'mine' })
    repository.stage('mine', work, table.replace(/("table-uuid": ")../, '$1ee'))
    repository.stage('mine', gatePath, undefined)
    expect(codes(await ask({ event_type: 'pre-commit', source_ref: 'mine' }))).toEqual([
      'gate-missing',
      'table-replaced work.a',
    ])
  })

  it('before a merge is the candidate, by the rules of its destination; a good one is attested', async () => {
    const candidate = commitOf(bed.tree)
    expect(await ask({ commit_id: candidate, branch_id: 'v1' })).toEqual({ ref: candidate, problems: [] })
    expect(await readAttestation(environment(), { study, commit: candidate })).toBe('full')
    expect(bed.store.objects.has(versionMarkerKey(study, 'v1'))).toBe(true)
    const own = commitOf(without(tablePath('raw', 'dm')))
    expect(codes(await ask({ commit_id: own, branch_id: 'v1' }))).toContain('contents-table-missing raw.dm')
    expect(await readAttestation(environment(), { study, commit: own })).toBeUndefined()
    expect(await ask({ commit_id: own, branch_id: 'mine' })).toEqual({ ref: own, problems: [] })
    expect(await readAttestation(environment(), { study, commit: own })).toBe('structure')
    expect(codes(await ask({ commit_id: commitOf(without(gatePath)), branch_id: 'v1' }))).toEqual(['gate-missing'])
  })

  it('before a merge is compared with the destination as it was', async () => {
    const work = tablePath('work', 'a')
    const table = bed.tree[tablePath('raw', 'dm')]!.replace(/("table-uuid": ")../, '$1ff')
    const before = repository.commit({ ...bed.tree, [work]: table })
    const after = { ...bed.tree, [work]: table.replace(/("table-uuid": ")../, '$1ee') }
    const candidate = repository.commit(after, { parents: [before, head] })
    expect(codes(await ask({ commit_id: candidate, branch_id: 'mine' }))).toEqual(['table-replaced work.a'])
  })

  it('is no where the payload says too little', async () => {
    expect(await ask({ event_type: 'pre-commit' })).toEqual(refused('the payload names no branch'))
    expect(await ask({ branch_id: 'v1' })).toEqual(refused('the payload names no commit'))
    expect(await ask({ commit_id: head })).toEqual(refused('the payload names no branch to merge into'))
  })

  it('to an import is no, which tells itself by what lakeFS notes on it', async () => {
    const of = (metadata: HookPayload['commit_metadata']) =>
      ask({ event_type: 'pre-commit', source_ref: 'v1', commit_metadata: metadata })
    expect(await of({ '.lakefs.merge.strategy': 'default' })).toEqual(
      refused('an import changes a branch without showing the result: upload the files to a branch of your own'),
    )
    const others: HookPayload['commit_metadata'][] = [{}, null, { other: 'x' }]
    for (const metadata of others) expect((await of(metadata)).problems).toEqual([])
  })

  it('to a revert is yes on people’s own branches alone', async () => {
    repository.branches.set('mine', head)
    const revert = { event_type: 'pre-revert', source_ref: 'mine' }
    expect(await ask({ ...revert, branch_id: 'mine' })).toEqual({ ref: 'mine', problems: [] })
    expect(await ask({ ...revert, branch_id: 'v1' })).toEqual(shows('pre-revert'))
    expect(await ask({ ...revert, branch_id: 'main' })).toEqual(shows('pre-revert'))
    expect(await ask(revert)).toEqual(shows('pre-revert'))
    expect(attestations()).toEqual([])
  })

  it.each(['pre-cherry-pick', 'post-merge', 'pre-create-tag', ''])('to %j is no', async event => {
    repository.branches.set('mine', head)
    const named = { commit_id: head, branch_id: 'mine', source_ref: 'mine' }
    expect(await ask({ event_type: event, ...named })).toEqual(shows(event))
  })
})

it('the bed’s tables have one snapshot each, which is theirs', () => {
  for (const [path, text] of Object.entries(bed.tree))
    if (path.startsWith('tables/')) expect(currentSnapshot(parseTableMetadata(text))).toBeDefined()
})
