import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readKeyFiles } from '../../../lib/gate/key-files.ts'
import { checkDestination } from '../../../lib/gate/rule-destination.ts'
import { address } from '../../../lib/layout.ts'
import { bedStudy, type GateBed, makeGateBed, tableOf } from '../../support/gate-bed.ts'
import { type MemoryLakefs, memoryLakefs } from '../../support/memory-lakefs.ts'

let bed: GateBed
let repository: MemoryLakefs
beforeAll(async () => {
  bed = await makeGateBed()
})
beforeEach(() => {
  repository = memoryLakefs(bedStudy)
})

const environment = () => ({ lakefs: repository.lakefs, lake: bed.store })
const without = (...paths: string[]) =>
  Object.fromEntries(Object.entries(bed.tree).filter(([path]) => !paths.includes(path)))
const siteFile = address('lake', 'data/bed/keys/site/keys-site.parquet')
const patientFile = address('lake', 'data/bed/keys/patient/keys-patient.parquet')

describe('the files of key tables', () => {
  it('are told by entity', async () => {
    const commit = repository.commit(bed.tree)
    expect(await readKeyFiles(environment(), bedStudy, commit)).toEqual(
      new Map([
        ['patient', [patientFile]],
        ['site', [siteFile]],
      ]),
    )
    expect(repository.calls[0]).toBe(`listObjects ${commit} tables/keys/`)
  })

  it('what lies among them and is no table is left out, and what goes meanwhile too', async () => {
    const odd = repository.commit({ ...without('tables/keys/site.json'), 'tables/keys/notes.md': 'x' })
    expect([...(await readKeyFiles(environment(), bedStudy, odd)).keys()]).toEqual(['patient'])
    const commit = repository.commit(bed.tree)
    const { lakefs } = repository
    const going = {
      ...lakefs,
      getObject: async (study: string, ref: string, path: string) =>
        path.includes('site') ? undefined : lakefs.getObject(study, ref, path),
    }
    expect([...(await readKeyFiles({ ...environment(), lakefs: going }, bedStudy, commit)).keys()]).toEqual(['patient'])
  })

  it('cannot be told where a table cannot be read; the error names it', async () => {
    const commit = repository.commit({ ...bed.tree, 'tables/keys/site.json': '{' })
    await expect(readKeyFiles(environment(), bedStudy, commit)).rejects.toThrow('tables/keys/site.json')
  })
})

describe('what goes into the authority', () => {
  /** Judged against a parent that has the version's key tables. */
  async function judge(change: (view: ReturnType<GateBed['view']>) => unknown = () => {}) {
    const parent = repository.commit(bed.tree)
    const commit = repository.commit(bed.tree, { parents: [parent, 'another'] })
    const view = bed.view()
    change(view)
    return checkDestination(environment(), view, { commit, destination: 'keys' })
  }

  it('goes on from what is there', async () => {
    expect(await judge()).toEqual([])
    const grown = await judge(view => {
      const { files } = tableOf(view, 'keys.site')
      files.push({ ...files[0]!, address: 's3://lake/data/bed/keys/site/more.parquet' })
    })
    expect(grown).toEqual([])
    // Which version it names does not matter: the keys are every version's.
    expect(await judge(view => delete view.record)).toEqual([])
  })

  it('loses no key table', async () => {
    const found = await judge(view => {
      view.tables = view.tables.filter(({ name }) => name !== 'keys.site')
    })
    expect(found).toEqual([
      { code: 'authority-table-lost', table: 'keys.site', message: 'keys that were given must stay given' },
    ])
  })

  it('changes no file and loses none', async () => {
    const rewritten = (entity: string) => ({
      code: 'authority-rewritten',
      table: `keys.${entity}`,
      message: 'does not go on from the keys that were given before',
    })
    const replaced = await judge(view => {
      tableOf(view, 'keys.site').files[0]!.address = 's3://lake/data/bed/keys/site/other.parquet'
      tableOf(view, 'keys.patient').files = []
    })
    expect(replaced).toEqual([rewritten('patient'), rewritten('site')])
    const reordered = await judge(view => {
      const { files } = tableOf(view, 'keys.site')
      files.unshift({ ...files[0]!, address: 's3://lake/data/bed/keys/site/other.parquet' })
    })
    expect(reordered).toEqual([rewritten('site')])
  })

  it('of the first commit is lawful whatever it has, as is that of a commit which is not there', async () => {
    const first = repository.commit(bed.tree)
    for (const commit of [first, 'nowhere'])
      expect(await checkDestination(environment(), bed.view(), { commit, destination: 'keys' })).toEqual([])
  })
})

describe('what goes anywhere else', () => {
  const judge = async (destination: string, change: (view: ReturnType<GateBed['view']>) => unknown = () => {}) => {
    const view = bed.view()
    change(view)
    return checkDestination(environment(), view, { commit: 'c', destination })
  }
  const unauthorised = (entity: string) => ({
    code: 'keys-unauthorised',
    table: `keys.${entity}`,
    message: 'holds keys that are not on the branch keys',
  })

  it('carries the keys of the authority as they are, or were', async () => {
    repository.commit(bed.tree, { branch: 'keys' })
    expect(await judge('v1')).toEqual([])
    expect(
      await judge('v1', view => {
        tableOf(view, 'keys.site').files = []
      }),
    ).toEqual([])
    expect(
      await judge('v1', view => {
        view.tables = view.tables.filter(({ layer }) => layer !== 'keys')
      }),
    ).toEqual([])
    const more = await judge('v1', view => {
      const { files } = tableOf(view, 'keys.site')
      files.push({ ...files[0]!, address: 's3://lake/data/bed/keys/site/more.parquet' })
    })
    expect(more).toEqual([unauthorised('site')])
  })

  it('carries no keys that the authority lacks', async () => {
    repository.commit(without('tables/keys/patient.json'), { branch: 'keys' })
    expect(await judge('v1')).toEqual([unauthorised('patient')])
  })

  it('is compared with what is committed there, not with what is staged', async () => {
    repository.commit(without('tables/keys/patient.json'), { branch: 'keys' })
    repository.stage('keys', 'tables/keys/patient.json', bed.tree['tables/keys/patient.json'])
    expect(await judge('v1')).toEqual([unauthorised('patient')])
  })

  it('is compared with main where there is no branch keys yet', async () => {
    repository.commit(bed.tree, { branch: 'main' })
    expect(await judge('v1')).toEqual([])
    repository.commit({}, { branch: 'main' })
    expect(await judge('v1')).toEqual([unauthorised('patient'), unauthorised('site')])
  })

  it('names the version of the branch, but for main and hidden branches', async () => {
    repository.commit(bed.tree, { branch: 'keys' })
    const replaced = (expected: string, found: string) => [
      {
        code: 'version-replaced',
        message: 'study/version.json names another version than the branch that it goes to',
        expected,
        found,
      },
    ]
    expect(await judge('v2')).toEqual(replaced('v2', 'v1'))
    expect(await judge('v1_')).toEqual(replaced('v1_', 'v1'))
    expect(await judge('v1', view => delete view.record)).toEqual(replaced('v1', 'none'))
    expect(await judge('main')).toEqual([])
    expect(await judge('_v2-0123456789ab')).toEqual([])
  })
})
