/** The embedded lakeFS server in a process of its own, with its blocks in a bucket. Its options come as JSON in `$LAKEFS_OPTIONS`. */

import { createS3Store } from '../../lib/store/s3.ts'
import { startLakefsServer } from '../local/lakefs/server.ts'
import { createS3Client } from './aws.ts'
import { lakefsChildOptions } from './lakefs.ts'

const { folder, port, credentials, gateToken, bucket, access } = lakefsChildOptions.parse(
  JSON.parse(process.env.LAKEFS_OPTIONS ?? '{}'),
)
const server = await startLakefsServer({
  folder,
  port,
  credentials,
  store: createS3Store({ client: createS3Client(access), bucket }),
  env: { LAKEFSACTION_GATE_TOKEN: gateToken },
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void server.close().then(() => process.exit(0))
  })
}
console.log(`listening at ${server.endpoint}`)
