import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { formatVariables, isDockerUp } from '../../../infra/stack/docker.ts'

const infra = join(import.meta.dirname, '..', '..', '..', 'infra')
const text = readFileSync(join(infra, 'compose.yaml'), 'utf8')

interface Service {
  image: string
  command?: string | string[]
  ports?: string[]
  volumes?: string[]
  networks?: string[]
  profiles?: string[]
  environment?: Record<string, string>
  healthcheck?: { test: string[]; interval: string }
}
const { services, volumes, networks } = parse(text, { merge: true }) as {
  services: Record<string, Service>
  volumes: Record<string, unknown>
  networks: Record<string, unknown>
}

const settings = {
  ports: { minio: 1, emulator: 2, lakefs: 3, door: 4, trino: 5 },
  secretAccessKey: 'secret',
  lakefs: { accessKeyId: 'a', secretAccessKey: 'b' },
  gateToken: 'gate',
  bridgeToken: 'bridge',
  catalogToken: 'catalog',
}

test('every variable of the compose file is given, and every one that is given is used', () => {
  const used = new Set([...text.matchAll(/\$\{(\w+)/g)].map(([, name]) => name!))
  const given = Object.keys(
    formatVariables(settings, { objectStore: 'http://minio:9000', doorFolder: '/door', network: 'n' }),
  )
  expect([...used].sort()).toEqual(given.sort())
})

test.each(Object.entries(services))('%s is pinned, watched, and reached on loopback alone', (_, service) => {
  expect(service.image).toMatch(/:.*\d+\.?\d*/)
  expect(service.image).not.toContain('latest')
  expect(service.healthcheck?.test.length).toBeGreaterThan(1)
  expect(service.healthcheck?.interval).toBe('2s')
  expect(service.ports).toHaveLength(1)
  for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\$\{STACK_\w+_PORT:\?\}:\d+$/)
  expect(service.networks?.every(name => Object.hasOwn(networks, name))).toBe(true)
  const named = (service.volumes ?? []).map(volume => volume.split(':')[0]!).filter(source => /^[\w-]+$/.test(source))
  for (const volume of named) expect(Object.keys(volumes)).toContain(volume)
  for (const value of Object.values(service.environment ?? {})) expect(typeof value).toBe('string')
})

test('the servers are there that the stack can leave out', () => {
  const optional = Object.entries(services).filter(([, { profiles }]) => profiles)
  expect(optional.map(([name, { profiles }]) => [name, profiles])).toEqual([
    ['minio', ['minio']],
    ['lakefs', ['lakefs']],
    ['trino', ['trino']],
  ])
})

test('the door’s program stands in the folder that its container gets, and needs no package', () => {
  const [, , program] = services.door!.command as string[]
  const file = program!.replace('/stack/', `${infra}/stack/`)
  const imports = (path: string): string[] =>
    [...readFileSync(path, 'utf8').matchAll(/from '([^']+)'/g)].map(([, from]) => from!)
  expect(imports(file).filter(name => !name.startsWith('node:'))).toEqual(['./door.ts'])
  expect(imports(join(infra, 'stack', 'door.ts')).filter(name => !name.startsWith('node:'))).toEqual([])
})

describe('Docker', () => {
  const machine = (works: string[]) => async (command: string, args: readonly string[]) => {
    if (works.includes(args[0]!)) return command
    throw new Error('no')
  }
  test('is used where an engine answers and Compose is there', async () => {
    expect(await isDockerUp(machine(['info', 'compose']))).toBe(true)
    expect(await isDockerUp(machine(['compose']))).toBe(false)
    expect(await isDockerUp(machine(['info']))).toBe(false)
  })
})
