import { join } from 'node:path'
import { CreateBucketCommand } from '@aws-sdk/client-s3'
import { type AwsAccess, createS3Client } from '../../infra/stack/aws.ts'
import { type Lakefs, startRealLakefs } from '../../infra/stack/lakefs.ts'
import { type Minio, startMinio } from '../../infra/stack/minio.ts'
import { findFreePort } from '../../infra/stack/ports.ts'
import { gateToken, hookToken } from './lakefs-tokens.ts'

/** A real lakeFS over MinIO, and the variables by which the tests find them. */
export interface RealLakefs {
  variables: Record<string, string>
  crashed: Promise<Error>
  stop(): Promise<void>
}

const bucket = 'contract'

/**
 * Starts MinIO and a lakeFS, of these programs, with their data in `folder`. The credentials are MinIO's, and lakeFS's own. Throws ServerError, and then
 * leaves none running.
 */
export async function startLakefsOverMinio({
  programs,
  folder,
  credentials,
  signal,
}: {
  programs: { lakefs: string; minio: string }
  folder: string
  credentials: { accessKeyId: string; secretAccessKey: string }
  signal: AbortSignal
}): Promise<RealLakefs> {
  const place = async (name: string) => ({
    folder: join(folder, name),
    port: await findFreePort(),
    supervision: { logFile: join(folder, `${name}.log`), signal },
  })
  const minio: Minio = await startMinio({ binary: programs.minio, ...credentials, ...(await place('minio')) })
  const access: AwsAccess = { endpoint: minio.endpoint, region: 'us-east-1', ...credentials }
  let lakefs: Lakefs
  try {
    await createS3Client(access).send(new CreateBucketCommand({ Bucket: bucket }))
    lakefs = await startRealLakefs({
      binary: programs.lakefs,
      ...(await place('lakefs')),
      credentials,
      gateToken,
      actionVariables: { LAKEFSACTION_TOKEN: hookToken },
      access,
    })
  } catch (error) {
    await minio.stop()
    throw error
  }
  return {
    variables: {
      LAKEFS_ENDPOINT: lakefs.access.endpoint,
      LAKEFS_ACCESS_KEY_ID: credentials.accessKeyId,
      LAKEFS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      LAKEFS_STORAGE_NAMESPACE: `s3://${bucket}/lakefs`,
      AWS_ENDPOINT_URL_S3: minio.endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      AWS_REGION: access.region,
    },
    crashed: Promise.race([minio.crashed, lakefs.crashed]),
    async stop() {
      await lakefs.stop()
      await minio.stop()
    },
  }
}
