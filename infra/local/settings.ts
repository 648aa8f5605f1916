/**
 * What a data directory decides once and keeps: ports, access keys, tokens. Ports are kept because the gate's address is written into
 * every branch, and because people have them in their SQL clients.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'

export const loopback = '127.0.0.1'
export const settingsFile = 'platform.json'

const port = z.number().int().min(1).max(65_535)
const schema = z.object({
  ports: z.object({
    /** The functions' URLs and the control interface. */
    functions: port,
    lakefs: port,
  }),
  lakefs: z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) }),
  /** Shown by lakeFS to the gate. */
  gateToken: z.string().min(16),
  /** Shown by commands to a running platform. */
  controlToken: z.string().min(16),
  /** Shown by SQL engines to the catalog: reads and writes every study. Not in files of earlier releases. */
  catalogToken: z.string().min(16).optional(),
})

export type Settings = z.infer<typeof schema>
/** The settings that a running platform has. */
export type CompleteSettings = Settings & { catalogToken: string }

const settingsPath = (folder: string): string => join(folder, settingsFile)

/** The settings of a data directory, or undefined where none were made. Throws an Error that names the file. */
export async function readSettings(folder: string): Promise<Settings | undefined> {
  const path = settingsPath(folder)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    const issue = cause instanceof z.ZodError ? cause.issues[0] : undefined
    const what = issue ? `${issue.path.join('.')}: ${issue.message}` : 'is not valid JSON'
    throw new Error(`${path}: ${what}. Mend it, or delete the file to have new ports and keys made`, { cause })
  }
}

/** The settings of a data directory, made at the first call. Only the caller that holds the directory's lock may call this. */
export async function ensureSettings(folder: string): Promise<CompleteSettings> {
  const found = await readSettings(folder)
  if (found?.catalogToken) return { ...found, catalogToken: found.catalogToken }
  const settings = { ...(found ?? (await makeSettings())), catalogToken: randomToken() }
  const path = settingsPath(folder)
  await writeFile(`${path}.new`, `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
  return settings
}

const randomToken = (): string => randomBytes(24).toString('base64url')

async function makeSettings(): Promise<Settings> {
  const functions = await findFreePort()
  return {
    ports: { functions, lakefs: await findFreePort([functions]) },
    lakefs: {
      accessKeyId: `AKIA${randomText(16, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567')}`,
      secretAccessKey: randomBytes(30).toString('base64'),
    },
    gateToken: randomToken(),
    controlToken: randomToken(),
  }
}

function randomText(length: number, alphabet: string): string {
  return Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join('')
}

/**
 * A port that nothing listens on. From below the range that systems hand out for outgoing connections, where a kept port would
 * sooner or later be somebody's.
 */
async function findFreePort(except: number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const candidate = randomInt(20_000, 32_000)
    if (!except.includes(candidate) && (await isFree(candidate))) return candidate
  }
  throw new Error(`no free port found between 20000 and 32000 on ${loopback}`)
}

function isFree(candidate: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen(candidate, loopback, () => server.close(() => resolve(true)))
  return promise
}

/** Turns "address in use" into a sentence that says what to do; any other error is returned as it is. */
export function explainListenError(
  error: unknown,
  { folder, name, port: taken }: { folder: string; name: keyof Settings['ports']; port: number },
): unknown {
  const codes = [error, (error as Error | undefined)?.cause].map(of => (of as NodeJS.ErrnoException | undefined)?.code)
  if (!codes.includes('EADDRINUSE')) return error
  return new Error(
    `port ${taken} on ${loopback} is in use by another program. Stop that program, or set "ports.${name}" ` +
      `in ${settingsPath(folder)} to a free port`,
    { cause: error },
  )
}
