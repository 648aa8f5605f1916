import { readConfig } from '../../lib/config.ts'
import type { Environment, Queues } from '../../lib/environment.ts'
import { createLakefs } from '../../lib/lakefs/client.ts'
import type { Log } from '../../lib/log.ts'
import { createSqsQueue } from '../../lib/queue/sqs.ts'
import { createS3Store } from '../../lib/store/s3.ts'
import { type AwsAccess, createS3Client, createSqsClient } from './aws.ts'
import type { LakefsAccess } from './lakefs.ts'

/** What the deployed functions work with, seen from outside: to upload, to look at what came of it, and for tests. */
export function createStackEnvironment({
  objectStore,
  emulator,
  lakefs,
  buckets,
  queueUrls,
  gate,
  settings,
  log,
}: {
  objectStore: AwsAccess
  emulator: AwsAccess
  lakefs: LakefsAccess
  buckets: { landing: string; lake: string }
  queueUrls: Record<keyof Queues, string>
  gate: { url: string; token: string }
  /** Further variables of the configuration. */
  settings: Record<string, string>
  log: Log
}): Environment {
  const s3 = createS3Client(objectStore)
  const sqs = createSqsClient(emulator)
  const queues = Object.entries(queueUrls).map(([source, url]) => {
    const name = new URL(url).pathname.split('/').at(-1)!
    return [source, createSqsQueue({ client: sqs, url, name })]
  })
  return {
    config: readConfig({
      ...settings,
      LANDING_BUCKET: buckets.landing,
      LAKE_BUCKET: buckets.lake,
      LAKEFS_ENDPOINT: lakefs.endpoint,
      LAKEFS_ACCESS_KEY_ID: lakefs.accessKeyId,
      LAKEFS_SECRET_ACCESS_KEY: lakefs.secretAccessKey,
      GATE_URL: gate.url,
      GATE_TOKEN: gate.token,
    }),
    landing: createS3Store({ client: s3, bucket: buckets.landing }),
    lake: createS3Store({ client: s3, bucket: buckets.lake }),
    lakefs: createLakefs(lakefs),
    queues: Object.fromEntries(queues) as Queues,
    now: () => new Date(),
    log,
  }
}
