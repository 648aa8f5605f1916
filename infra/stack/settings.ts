/**
 * What a data directory of the stack decides once and keeps: ports, keys, tokens. The gate's address is written into every branch, MinIO's
 * administrator into its data, and people have ports in their SQL clients.
 */
import { randomBytes } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { findFreePort } from './ports.ts'

const portNames = ['minio', 'emulator', 'lakefs', 'door', 'trino'] as const
const port = z.number().int().min(1).max(65_535)
const schema = z.object({
  ports: z.object(
    Object.fromEntries(portNames.map(name => [name, port])) as Record<(typeof portNames)[number], typeof port>,
  ),
  /** Of the functions, in the object store and the emulator. */
  secretAccessKey: z.string().min(8),
  lakefs: z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) }),
  /** Shown by lakeFS to the gate. */
  gateToken: z.string().min(16),
  /** Shown by MinIO to the bridge. */
  bridgeToken: z.string().min(16),
  /** Shown by SQL engines to the catalog: reads and writes every study. Not in files of earlier releases. */
  catalogToken: z.string().min(16).optional(),
})

export type StackSettings = z.infer<typeof schema> & { catalogToken: string }

/** The settings of a data directory, made at the first call. Throws an Error that names the file where it cannot be read. */
export async function ensureStackSettings(folder: string): Promise<StackSettings> {
  const path = join(folder, 'stack-settings.json')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return undefined
  })
  if (text !== undefined) {
    const found = parseSettings(text, { path, folder })
    const settings = { ...found, catalogToken: found.catalogToken ?? token() }
    if (!found.catalogToken) await writeSettings(path, settings)
    return settings
  }
  const taken: number[] = []
  for (const _ of portNames) taken.push(await findFreePort(taken))
  const settings: StackSettings = {
    ports: Object.fromEntries(portNames.map((name, index) => [name, taken[index]!])) as StackSettings['ports'],
    secretAccessKey: token(),
    lakefs: { accessKeyId: 'studylake', secretAccessKey: token() },
    gateToken: token(),
    bridgeToken: token(),
    catalogToken: token(),
  }
  await writeSettings(path, settings)
  return settings
}

const token = (): string => randomBytes(24).toString('base64url')

function parseSettings(text: string, { path, folder }: { path: string; folder: string }): z.infer<typeof schema> {
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new Error(`${path} is not what it should be. Mend it, or delete ${folder} to begin anew`, { cause })
  }
}

async function writeSettings(path: string, settings: StackSettings): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify(settings, undefined, 2)}\n`, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
