/** MinIO: compiled from its Go module, started on loopback, with its events going to the bridge. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CreateBucketCommand, PutBucketNotificationConfigurationCommand, type S3Client } from '@aws-sdk/client-s3'
import { installOnce, MissingError, runProgram } from './cache.ts'
import { loopback } from './ports.ts'
import { answersOk, plainEnvironment, type Server, type Supervision, startServer } from './processes.ts'
import { findGo } from './tools.ts'

/** RELEASE.2026-02-12T20-18-48Z. MinIO's tags are no versions that Go knows, so its commits are named by time and hash. */
const minioVersion = 'v0.0.0-20260212201848-7aac2a2c5b7c'

/** Of the webhook target; part of its ARN. */
const target = 'LANDING'

/** The program, from `$MINIO_BINARY` or compiled once (two minutes). Throws MissingError. */
export async function installMinio({
  cache,
  tell,
  variables = process.env,
}: {
  cache?: string
  tell?: (text: string) => void
  variables?: NodeJS.ProcessEnv
} = {}): Promise<string> {
  if (variables.MINIO_BINARY) {
    if (existsSync(variables.MINIO_BINARY)) return variables.MINIO_BINARY
    throw new MissingError('MINIO_BINARY names a file that does not exist')
  }
  const folder = await installOnce({
    name: `minio-${minioVersion}`,
    what: 'MinIO, which is compiled once and takes some minutes,',
    cache,
    tell,
    async build(bin) {
      const go = await findGo({ for: 'MinIO' })
      const env = { ...variables, GOBIN: bin }
      await runProgram(go, ['install', `github.com/minio/minio@${minioVersion}`], { env, cwd: bin })
    },
  })
  return join(folder, process.platform === 'win32' ? 'minio.exe' : 'minio')
}

export interface MinioOptions {
  /** Of `installMinio`. */
  binary: string
  /** Where its data lie. */
  folder: string
  port: number
  /** Of its administrator. At least 3 and 8 characters. */
  accessKeyId: string
  secretAccessKey: string
  /** Where it posts the events of the landing bucket, and the token that it shows there as a bearer. Without it, there are none. */
  webhook?: { endpoint: string; token: string }
  supervision: Supervision
}

export interface Minio extends Server {
  /** `http://127.0.0.1:<port>` */
  endpoint: string
}

/** Of a webhook target that keeps its events in a folder while the bridge does not take them. */
const webhookVariables = (folder: string, { endpoint, token }: { endpoint: string; token: string }) => ({
  [`MINIO_NOTIFY_WEBHOOK_ENABLE_${target}`]: 'on',
  [`MINIO_NOTIFY_WEBHOOK_ENDPOINT_${target}`]: endpoint,
  [`MINIO_NOTIFY_WEBHOOK_AUTH_TOKEN_${target}`]: token,
  [`MINIO_NOTIFY_WEBHOOK_QUEUE_DIR_${target}`]: join(folder, 'undelivered-events'),
})

/**
 * Starts MinIO. Throws ServerError.
 * https://min.io/docs/minio/linux/administration/monitoring/publish-events-to-webhook.html
 */
export async function startMinio(options: MinioOptions): Promise<Minio> {
  const { binary, folder, port, accessKeyId, secretAccessKey, webhook, supervision } = options
  const endpoint = `http://${loopback}:${port}`
  const server = await startServer({
    name: 'MinIO',
    command: binary,
    args: ['server', '--quiet', '--address', `${loopback}:${port}`, join(folder, 'data')],
    cwd: folder,
    ...supervision,
    env: {
      ...plainEnvironment(),
      MINIO_ROOT_USER: accessKeyId,
      MINIO_ROOT_PASSWORD: secretAccessKey,
      MINIO_BROWSER: 'off',
      MINIO_UPDATE: 'off',
      // Its parts and buckets are ours alone: looking for what is broken or old would only keep the disk busy.
      MINIO_SCANNER_SPEED: 'slowest',
      ...(webhook && webhookVariables(folder, webhook)),
    },
    // It answers `live` before it takes requests.
    isUp: () => answersOk(`${endpoint}/minio/health/ready`),
  })
  return { ...server, endpoint }
}

/** Makes the buckets where they are not there, and subscribes the bridge to what comes into and leaves the landing bucket. */
export async function prepareBuckets(
  client: S3Client,
  { landing, lake }: { landing: string; lake: string },
): Promise<void> {
  for (const Bucket of [landing, lake]) {
    await client.send(new CreateBucketCommand({ Bucket })).catch((error: Error) => {
      if (error.name !== 'BucketAlreadyOwnedByYou') throw error
    })
  }
  const QueueArn = `arn:minio:sqs::${target}:webhook`
  await client.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: landing,
      NotificationConfiguration: {
        QueueConfigurations: ['.csv', '.json'].map(suffix => ({
          QueueArn,
          Events: ['s3:ObjectCreated:*', 's3:ObjectRemoved:*'],
          Filter: { Key: { FilterRules: [{ Name: 'suffix', Value: suffix }] } },
        })),
      },
    }),
  )
}
