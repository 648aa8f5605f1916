import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { findFunctionUrls } from '../../infra/stack/outputs.ts'
import { inspectVersion } from '../../lib/pipeline/status.ts'
import { smallStudy } from '../support/small-study.ts'
import { countUndelivered, waitUntil } from './stack-subject.ts'
import { countMessages, expectSmallStudy, landSmallStudy, type StackSuiteOptions, version } from './suite.ts'

/** Servers that are away for a while, and an event that is none. Nothing is lost, and nothing given up. */
export function faultSuite(options: StackSuiteOptions): void {
  const { landing, stack, subject } = options
  describe('a fault', () => {
    it.skipIf(process.env.LAKEFS_ENDPOINT)('of lakeFS, away for a while: the work goes on by itself', async () => {
      const lakefs = stack().servers.processes.lakefs!
      await lakefs.kill()
      await landSmallStudy(options, 'without-lakefs')
      // The pauses between tries are the same over each object store; once is enough to outlast several.
      await sleep(landing === 's3' ? 30_000 : 6000)
      expect((await inspectVersion(stack().environment, 'without-lakefs', version)).state).toBe('processing')
      expect(await countMessages(stack(), 'Register')).toBeGreaterThan(0)
      await lakefs.start()
      await expectSmallStudy(options, 'without-lakefs')
    })

    it.runIf(landing === 'minio')('of the bridge, away while files are uploaded: MinIO keeps the events', async () => {
      const { door, servers, outputs } = stack()
      await door.shut('bridge')
      await landSmallStudy(options, 'without-bridge')
      await waitUntil(async () => (await countUndelivered(stack())) >= Object.keys(smallStudy).length)
      await sleep(2000)
      expect(await countMessages(stack(), 'Receive')).toBe(0)
      await door.open('bridge', { endpoint: servers.inside.emulator, host: findFunctionUrls(outputs).bridge!.host })
      await expectSmallStudy(options, 'without-bridge')
      await waitUntil(async () => (await countUndelivered(stack())) === 0)
    })

    it.runIf(landing === 'minio')('of MinIO, killed after an upload and started again', async () => {
      const minio = stack().servers.processes.minio!
      await landSmallStudy(options, 'without-minio')
      await minio.kill()
      await sleep(3000)
      await minio.start()
      await expectSmallStudy(options, 'without-minio')
    })

    it('s3:TestEvent is taken off the queue', async () => {
      const event = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: new Date().toISOString(), Bucket: 'any' }
      await stack().environment.queues.landing.send([{ body: JSON.stringify(event) }])
      await subject().settle()
    })
  })
}
