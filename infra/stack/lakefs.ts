import { join } from 'node:path'
import { z } from 'zod'
import { createLakefs } from '../../lib/lakefs/client.ts'
import type { AwsAccess } from './aws.ts'
import { MissingError } from './cache.ts'
import { loopback } from './ports.ts'
import { answersOk, plainEnvironment, type Server, type Supervision, startServer } from './processes.ts'

/** What the stack tells the process of its lakeFS server. */
export const lakefsChildOptions = z.object({
  folder: z.string(),
  port: z.number(),
  credentials: z.object({ accessKeyId: z.string(), secretAccessKey: z.string() }),
  gateToken: z.string(),
  /** Where its blocks lie. */
  bucket: z.string(),
  access: z.object({
    endpoint: z.string(),
    region: z.string(),
    accessKeyId: z.string(),
    secretAccessKey: z.string(),
  }) satisfies z.ZodType<AwsAccess>,
})

export type LakefsChildOptions = z.infer<typeof lakefsChildOptions>

/** A lakeFS that the functions can work with. */
export interface LakefsAccess {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
}

export interface Lakefs extends Server {
  access: LakefsAccess
}

/** Starts the embedded server that speaks lakeFS's API, as a process. Its database lies in `folder`. Throws ServerError. */
export async function startLakefs({
  supervision,
  ...options
}: LakefsChildOptions & { supervision: Supervision }): Promise<Lakefs> {
  const endpoint = `http://${loopback}:${options.port}`
  const server = await startServer({
    name: 'lakeFS (embedded)',
    command: process.execPath,
    args: ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'lakefs-child.ts')],
    cwd: options.folder,
    ...supervision,
    // Not an argument, where other users of the machine could read the keys.
    env: { ...plainEnvironment(), LAKEFS_OPTIONS: JSON.stringify(options) },
    isUp: () => answersOk(`${endpoint}/api/v1/healthcheck`),
  })
  return { ...server, access: { endpoint, ...options.credentials } }
}

/**
 * Starts a real lakeFS, of the program that `$LAKEFS_BINARY` names, with the same options: a single server with its database in `folder`.
 * Throws ServerError. https://docs.lakefs.io/reference/configuration/
 */
export async function startRealLakefs({
  binary,
  supervision,
  actionVariables = {},
  ...options
}: Omit<LakefsChildOptions, 'bucket'> & {
  binary: string
  supervision: Supervision
  /** Further variables that actions may name: `LAKEFSACTION_…`. */
  actionVariables?: Record<string, string>
}): Promise<Lakefs> {
  const { folder, port, credentials, gateToken, access } = options
  const endpoint = `http://${loopback}:${port}`
  const server = await startServer({
    name: 'lakeFS',
    command: binary,
    args: ['run'],
    cwd: folder,
    ...supervision,
    env: {
      ...plainEnvironment(),
      LAKEFS_LISTEN_ADDRESS: `${loopback}:${port}`,
      LAKEFS_DATABASE_TYPE: 'local',
      LAKEFS_DATABASE_LOCAL_PATH: join(folder, 'metadata'),
      LAKEFS_COMMITTED_LOCAL_CACHE_DIR: join(folder, 'cache'),
      LAKEFS_BLOCKSTORE_TYPE: 's3',
      LAKEFS_BLOCKSTORE_S3_ENDPOINT: access.endpoint,
      LAKEFS_BLOCKSTORE_S3_FORCE_PATH_STYLE: 'true',
      LAKEFS_BLOCKSTORE_S3_REGION: access.region,
      LAKEFS_BLOCKSTORE_S3_DISCOVER_BUCKET_REGION: 'false',
      LAKEFS_BLOCKSTORE_S3_CREDENTIALS_ACCESS_KEY_ID: access.accessKeyId,
      LAKEFS_BLOCKSTORE_S3_CREDENTIALS_SECRET_ACCESS_KEY: access.secretAccessKey,
      LAKEFS_AUTH_ENCRYPT_SECRET_KEY: credentials.secretAccessKey,
      LAKEFS_INSTALLATION_USER_NAME: 'studylake',
      LAKEFS_INSTALLATION_ACCESS_KEY_ID: credentials.accessKeyId,
      LAKEFS_INSTALLATION_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      ...actionVariables,
      LAKEFSACTION_GATE_TOKEN: gateToken,
      LAKEFS_STATS_ENABLED: 'false',
    },
    isUp: () => createLakefs({ endpoint, ...credentials }).health(),
  })
  return { ...server, access: { endpoint, ...credentials } }
}

/**
 * The lakeFS at `LAKEFS_ENDPOINT`, or undefined where the variable is not set. Throws MissingError where it does not answer, or the keys are
 * missing.
 */
export async function findGivenLakefs(
  variables: Record<string, string | undefined> = process.env,
): Promise<LakefsAccess | undefined> {
  const {
    LAKEFS_ENDPOINT: given,
    LAKEFS_ACCESS_KEY_ID: accessKeyId,
    LAKEFS_SECRET_ACCESS_KEY: secretAccessKey,
  } = variables
  if (!given) return undefined
  const endpoint = given.replace(/\/(api\/v1\/?)?$/, '')
  if (!accessKeyId || !secretAccessKey)
    throw new MissingError('LAKEFS_ENDPOINT is set; set LAKEFS_ACCESS_KEY_ID and LAKEFS_SECRET_ACCESS_KEY, too')
  const access = { endpoint, accessKeyId, secretAccessKey }
  const healthy = await createLakefs(access)
    .health()
    .catch(() => false)
  if (!healthy)
    throw new MissingError(`no lakeFS answers at LAKEFS_ENDPOINT (${endpoint}). Start it, or unset the variable`)
  return access
}
