import type { ObjectEvent } from '../../events/landing.ts'
import type { Queue } from '../../lib/queue/queue.ts'
import type { ObjectStore, ObjectWritten } from '../../lib/store/object-store.ts'

/**
 * A store that announces each new object on a queue, as an S3 bucket with an event notification does. The object stands before
 * it is announced; an announcement that fails is lost, as in S3, and the scheduled rescan makes up for it.
 */
export function announceUploads({
  store,
  queue,
  now,
  onLost,
}: {
  store: ObjectStore
  queue: Queue
  now: () => Date
  onLost: (key: string, error: unknown) => void
}): ObjectStore {
  let last = 0n
  // A sequencer orders the events of one key; it must grow within a millisecond too.
  function nextSequencer(): string {
    const time = BigInt(now().getTime()) << 16n
    last = time > last ? time : last + 1n
    return last.toString(16).toUpperCase().padStart(18, '0')
  }

  async function announce(key: string, written: ObjectWritten, eventName: string): Promise<ObjectWritten> {
    const body = JSON.stringify(
      toObjectEvent(store.bucket, key, written, { eventName, now, sequencer: nextSequencer() }),
    )
    await queue.send([{ body }]).catch((error: unknown) => onLost(key, error))
    return written
  }

  return {
    bucket: store.bucket,
    head: key => store.head(key),
    get: (key, options) => store.get(key, options),
    stream: (key, options) => store.stream(key, options),
    list: (prefix, options) => store.list(prefix, options),
    delete: key => store.delete(key),
    put: async (key, body, options) => announce(key, await store.put(key, body, options), 'ObjectCreated:Put'),
    compose: async (key, parts, options) =>
      announce(key, await store.compose(key, parts, options), 'ObjectCreated:CompleteMultipartUpload'),
  }
}

/** The event of one new object. https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html */
export function toObjectEvent(
  bucket: string,
  key: string,
  { etag, size }: ObjectWritten,
  { eventName, now, sequencer }: { eventName: string; now: () => Date; sequencer: string },
): ObjectEvent {
  const record = {
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'local',
    eventTime: now().toISOString(),
    eventName,
    s3: {
      s3SchemaVersion: '1.0',
      configurationId: 'uploads',
      bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
      object: { key: encodeKey(key), size, eTag: etag, sequencer },
    },
  }
  return { Records: [record] }
}

/** A key as S3's events write it: URL-encoded as a form's value, with slashes left alone and a space as `+`. */
export function encodeKey(key: string): string {
  return encodeURIComponent(key)
    .replaceAll('%2F', '/')
    .replaceAll('%20', '+')
    .replace(/[!'()*~]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
