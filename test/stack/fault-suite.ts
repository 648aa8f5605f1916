import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { findFunctionUrls } from '../../infra/stack/outputs.ts'
import { inspectVersion } from '../../lib/pipeline/status.ts'
import { smallStudy } from '../support/small-study.ts'
import { countMessages, expectNothingGivenUp, expectSmallStudy, land, type SuiteOptions, waitUntil } from './suite.ts'

const version = 'v1'

/** Servers that are away for a while, and names that are not what they should be. Nothing is lost, and nothing given up. */
export function faultSuite({ landing, stack }: SuiteOptions): void {
  describe('a fault', () => {
    it.skipIf(process.env.LAKEFS_ENDPOINT)('of lakeFS, away for a while: the work goes on by itself', async () => {
      const lakefs = stack().servers.processes.lakefs!
      await lakefs.kill()
      await land(stack(), 'without-lakefs', version, smallStudy)
      // The pauses between tries are the same over each object store; once is enough to outlast several.
      await sleep(landing === 's3' ? 30_000 : 6000)
      expect((await inspectVersion(stack().environment, 'without-lakefs', version)).state).toBe('processing')
      expect(await countMessages(stack(), 'Register')).toBeGreaterThan(0)
      await lakefs.start()
      await expectSmallStudy(stack(), 'without-lakefs', version)
    })

    it.runIf(landing === 'minio')('of the bridge, away while files are uploaded: MinIO keeps the events', async () => {
      const { door, folder, servers, outputs } = stack()
      const keptEvents = () =>
        readdir(join(folder, 'minio', 'undelivered-events'), { recursive: true }).then(
          names => names.filter(name => name.endsWith('.event')).length,
        )
      await door.shut('bridge')
      await land(stack(), 'without-bridge', version, smallStudy)
      await waitUntil(async () => (await keptEvents()) >= Object.keys(smallStudy).length)
      await sleep(2000)
      expect(await countMessages(stack(), 'Receive')).toBe(0)
      await door.open('bridge', { endpoint: servers.inside.emulator, host: findFunctionUrls(outputs).bridge!.host })
      await expectSmallStudy(stack(), 'without-bridge', version)
      await waitUntil(async () => (await keptEvents()) === 0)
    })

    it.runIf(landing === 'minio')('of MinIO, killed after an upload and started again', async () => {
      const minio = stack().servers.processes.minio!
      await land(stack(), 'without-minio', version, smallStudy)
      await minio.kill()
      await sleep(3000)
      await minio.start()
      await expectSmallStudy(stack(), 'without-minio', version)
    })

    it('s3:TestEvent is taken off the queue', async () => {
      const event = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: new Date().toISOString(), Bucket: 'any' }
      await stack().environment.queues.landing.send([{ body: JSON.stringify(event) }])
      await waitUntil(async () => (await countMessages(stack(), 'Receive')) === 0)
      await expectNothingGivenUp(stack())
    })

    it.each(['Größe in cm', 'a+b', '100%', '%2F+%20'])(
      'a folder and a file called %j: a report lies beside',
      async name => {
        const { landing: bucket } = stack().environment
        const folder = `${name}/${name}`
        await bucket.put(`${folder}/${name}.csv`, Buffer.from('A\n1\n'))
        await waitUntil(async () => (await bucket.head(`${folder}/_report.json`)) !== undefined)
        const report = JSON.parse(new TextDecoder().decode(await bucket.get(`${folder}/_report.json`))) as unknown
        expect(report).toMatchObject({
          status: 'rejected',
          problems: [{ code: 'file-misplaced', file: `${name}.csv` }],
        })
        await expectNothingGivenUp(stack())
      },
    )
  })
}
