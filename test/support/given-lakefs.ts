import { S3Client } from '@aws-sdk/client-s3'
import { createS3Store } from '../../lib/store/s3.ts'
import type { LakefsServers } from './environment.ts'
import { memoryStore } from './memory-store.ts'

/**
 * The lakeFS that the variables name, as the contract suite has them, with the bucket of its storage namespace as the lake: that of the S3 which the
 * SDK's own variables name or, where they name none, one in memory, of which lakeFS need not know. Undefined where no lakeFS is named.
 */
export function findGivenServers(
  variables: Record<string, string | undefined> = process.env,
): LakefsServers | undefined {
  const {
    LAKEFS_ENDPOINT: endpoint,
    LAKEFS_ACCESS_KEY_ID: accessKeyId,
    LAKEFS_SECRET_ACCESS_KEY: secretAccessKey,
    LAKEFS_STORAGE_NAMESPACE: storageNamespace,
  } = variables
  if (!endpoint || !accessKeyId || !secretAccessKey || !storageNamespace) return undefined
  const bucket = new URL(storageNamespace).hostname
  const client = variables.AWS_ACCESS_KEY_ID ? new S3Client({ forcePathStyle: true }) : undefined
  return {
    lakefs: { endpoint, accessKeyId, secretAccessKey },
    lake: client ? createS3Store({ client, bucket }) : memoryStore({ bucket }),
    close: async () => client?.destroy(),
  }
}
