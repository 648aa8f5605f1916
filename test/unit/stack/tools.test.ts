import { describe, expect, test } from 'vitest'
import { MissingError } from '../../../infra/stack/cache.ts'
import { findGo, findJava, findMaven, findPython } from '../../../infra/stack/tools.ts'

/** A machine with just these programs, and what each prints. */
const machine = (programs: Record<string, string>) => async (command: string) => programs[command]

const java = (version: number, home: string) =>
  `    java.home = ${home}\n    java.specification.version = ${version}\nopenjdk version "${version}.0.1"\n`

describe('Python', () => {
  test('is the first that is new enough', async () => {
    const ask = machine({ python3: 'version 3 11\n', 'python3.13': 'version 3 13\n', python: 'version 2 7\n' })
    expect(await findPython({ minor: 10, for: 'x', ask, variables: {} })).toBe('python3')
    expect(await findPython({ minor: 12, for: 'x', ask, variables: {} })).toBe('python3.13')
  })

  test('is missing where all are too old, with how to get it', async () => {
    const looking = findPython({
      minor: 12,
      for: 'LocalStack',
      ask: machine({ python3: 'version 3 9' }),
      variables: {},
    })
    await expect(looking).rejects.toThrow(MissingError)
    await expect(looking).rejects.toThrow(/^LocalStack needs Python 3\.12 or newer .*apt install python3/)
  })
})

describe('Go', () => {
  test('is found on PATH or where its installer puts it', async () => {
    expect(await findGo({ for: 'MinIO', ask: machine({ go: 'go version go1.26.8 linux/amd64' }) })).toBe('go')
    const elsewhere = machine({ go: 'go version go1.19 linux/amd64', '/usr/local/go/bin/go': 'go version go1.24 x' })
    expect(await findGo({ for: 'MinIO', ask: elsewhere })).toBe('/usr/local/go/bin/go')
  })

  test('is missing with how to get it', async () => {
    await expect(findGo({ for: 'MinIO', ask: machine({}) })).rejects.toThrow(/MinIO is compiled with Go .*go\.dev\/dl/)
  })
})

describe('Java', () => {
  test('is that of JAVA_HOME before that on PATH', async () => {
    const ask = machine({ '/jdk/bin/java': java(25, '/jdk'), java: java(24, '/usr') })
    expect(await findJava({ oldest: 24, for: 'Trino', ask, variables: { JAVA_HOME: '/jdk' } })).toBe('/jdk')
    expect(await findJava({ oldest: 24, for: 'Trino', ask, variables: {} })).toBe('/usr')
  })

  test('is missing with what was found and how to get a newer one', async () => {
    const old = findJava({ oldest: 99, for: 'Trino', ask: machine({ java: java(17, '/usr') }), variables: {} })
    await expect(old).rejects.toThrow(
      /^Trino needs Java 99 or newer, and only Java 17 was found\. Get one from .*adoptium/,
    )
    const none = findJava({ oldest: 99, for: 'Trino', ask: machine({}), variables: {} })
    await expect(none).rejects.toThrow('and none was found')
  })
})

test('Maven is found, or missing with how to get it', async () => {
  expect(await findMaven({ for: 'Trino', ask: machine({ mvn: 'Apache Maven 3.8.7' }) })).toBe('mvn')
  await expect(findMaven({ for: 'Trino', ask: machine({}) })).rejects.toThrow(/Trino comes from Maven Central.*maven/)
})
