/** Trino: from Maven Central, with the plugins that the stack uses, as one process that is coordinator and worker. */
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseJson } from '../../lib/json.ts'
import { formatCreateCatalog, type TrinoCatalogOptions } from '../../lib/trino-catalog.ts'
import { installOnce, runProgram } from './cache.ts'
import { loopback } from './ports.ts'
import { plainEnvironment, type Server, type Supervision, startServer } from './processes.ts'
import { findJava, findMaven } from './tools.ts'

const trinoVersion = '476'
const oldestJava = 24
/** The others are three quarters of what it takes on disk, and a good part of its start. Hive stands beside the lake in tests only. */
const plugins = ['hive', 'iceberg', 'memory']

export interface TrinoProgram {
  /** Of its installation. */
  folder: string
  javaHome: string
}

/** Trino, downloaded once (0.8 GB), and the Java to run it with. Throws MissingError, before anything is downloaded. */
export async function installTrino({
  cache,
  tell,
}: {
  cache?: string
  tell?: (text: string) => void
} = {}): Promise<TrinoProgram> {
  const javaHome = await findJava({ oldest: oldestJava, for: `Trino ${trinoVersion}` })
  const folder = await installOnce({
    // An installation with other plugins is another.
    name: ['trino', trinoVersion, ...plugins].join('-'),
    what: `Trino ${trinoVersion} (0.8 GB)`,
    cache,
    tell,
    async build(target) {
      const maven = await findMaven({ for: 'Trino' })
      const download = join(target, 'download')
      const repository = join(target, 'repository')
      await runProgram(maven, [
        '--batch-mode',
        '--quiet',
        `-Dmaven.repo.local=${repository}`,
        'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy',
        `-Dartifact=io.trino:trino-server:${trinoVersion}:tar.gz`,
        `-DoutputDirectory=${download}`,
      ])
      // Files of several plugins are links to one another, so all is unpacked before anything is left out.
      const archive = join(download, `trino-server-${trinoVersion}.tar.gz`)
      await runProgram('tar', ['-xzf', archive, '--strip-components=1', '-C', target])
      for (const plugin of await readdir(join(target, 'plugin'))) {
        if (!plugins.includes(plugin)) await rm(join(target, 'plugin', plugin), { recursive: true })
      }
      for (const folder of [download, repository]) await rm(folder, { recursive: true })
    },
  })
  return { folder, javaHome }
}

export interface Trino extends Server {
  /** `http://127.0.0.1:<port>` */
  endpoint: string
  /** Runs one statement to its end; resolves with its rows. Throws TrinoError; see queryTrino. */
  query(statement: string): Promise<unknown[][]>
  /** Makes a catalog over the Iceberg REST catalog, where there is none of that name. Throws TrinoError. */
  createCatalog(name: string, options: TrinoCatalogOptions): Promise<void>
}

/** Starts Trino without a catalog: those are made with `CREATE CATALOG`. Throws ServerError. */
export async function startTrino({
  program,
  folder,
  port,
  supervision,
}: {
  program: TrinoProgram
  folder: string
  port: number
  supervision: Supervision
}): Promise<Trino> {
  const endpoint = `http://${loopback}:${port}`
  const etc = join(folder, 'etc')
  await mkdir(etc, { recursive: true })
  const config = {
    coordinator: true,
    'node-scheduler.include-coordinator': true,
    'http-server.http.port': port,
    'discovery.uri': endpoint,
    'catalog.management': 'dynamic',
    'catalog.store': 'memory',
    'plugin.dir': join(program.folder, 'plugin'),
    'query.max-memory-per-node': '384MB',
  }
  await writeFile(join(etc, 'config.properties'), formatProperties(config))
  await writeFile(join(etc, 'log.properties'), 'io.trino=INFO\n')
  const server = await startServer({
    name: 'Trino',
    command: join(program.javaHome, 'bin', 'java'),
    args: [
      '-Xmx1G',
      '-XX:+ExitOnOutOfMemoryError',
      '-XX:+UnlockDiagnosticVMOptions',
      '-Djdk.attach.allowAttachSelf=true',
      '--add-modules=jdk.incubator.vector',
      '--enable-native-access=ALL-UNNAMED',
      '-Dnode.environment=studylake',
      '-Dnode.id=studylake',
      `-Dnode.bind-ip=${loopback}`,
      `-Dnode.internal-address=${loopback}`,
      `-Dnode.data-dir=${join(folder, 'data')}`,
      `-Dconfig=${join(etc, 'config.properties')}`,
      `-Dlog.levels-file=${join(etc, 'log.properties')}`,
      '-cp',
      join(program.folder, 'lib', '*'),
      'io.trino.server.TrinoServer',
    ],
    env: { ...plainEnvironment(), JAVA_HOME: program.javaHome },
    cwd: folder,
    ...supervision,
    startSeconds: 180,
    isUp: async () => {
      const response = await fetch(`${endpoint}/v1/info`, { signal: AbortSignal.timeout(2000) })
      return response.ok && ((await response.json()) as { starting: boolean }).starting === false
    },
  })
  return { ...server, ...createTrinoClient(endpoint) }
}

/** What is asked of a Trino that runs, whoever has started it. */
export const createTrinoClient = (endpoint: string): Pick<Trino, 'endpoint' | 'query' | 'createCatalog'> => ({
  endpoint,
  query: statement => queryTrino(endpoint, statement),
  async createCatalog(name, options) {
    await queryTrino(endpoint, formatCreateCatalog(name, options))
  },
})

const formatProperties = (values: Record<string, string | number | boolean>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')

interface Page {
  nextUri?: string
  data?: unknown[][]
  error?: { message: string; errorName: string }
}

/** A statement that Trino refused. */
export class TrinoError extends Error {
  override name = 'TrinoError'
  /** Of Trino: `TABLE_NOT_FOUND`. */
  readonly errorName: string

  constructor({ message, errorName }: { message: string; errorName: string }) {
    super(`Trino: ${message}`)
    this.errorName = errorName
  }
}

/**
 * Runs one statement to its end; resolves with its rows, integers exact, decimals, dates and times as text. Throws TrinoError, and an Error where
 * Trino cannot be asked. https://trino.io/docs/current/develop/client-protocol.html
 */
export async function queryTrino(endpoint: string, statement: string): Promise<unknown[][]> {
  // Without the capability Trino cuts times to milliseconds.
  const headers = { 'x-trino-user': 'studylake', 'x-trino-client-capabilities': 'PARAMETRIC_DATETIME' }
  const rows: unknown[][] = []
  let response = await fetch(`${endpoint}/v1/statement`, { method: 'POST', headers, body: statement })
  for (;;) {
    if (!response.ok) throw new Error(`Trino answered ${response.status}: ${await response.text()}`)
    const page = parseJson(await response.text(), 'an answer of Trino') as Page
    if (page.error) throw new TrinoError(page.error)
    rows.push(...(page.data ?? []))
    if (!page.nextUri) return rows
    response = await fetch(page.nextUri, { headers })
  }
}
