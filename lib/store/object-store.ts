/** What a store knows of an object without reading it. */
export interface ObjectInfo {
  key: string
  /** Bytes. */
  size: number
  /** Without quotes. Changes whenever the content does. */
  etag: string
  lastModified: Date
}

/** A stream of an object's bytes, and what the object was when the stream was opened. */
export interface ObjectStream {
  info: ObjectInfo
  body: AsyncIterable<Uint8Array>
}

/** What a write left behind. */
export interface ObjectWritten {
  etag: string
  /** Bytes. */
  size: number
}

/**
 * One bucket of an object store. Keys are S3 keys: any Unicode text of up to 1,024 bytes, `/` has no meaning of its own.
 * Every method may throw TransientError (try again); an `ifMatch` or `ifAbsent` that does not hold throws PreconditionError.
 */
export interface ObjectStore {
  /** The bucket's name; `s3://<bucket>/<key>` is an object's address. */
  readonly bucket: string
  /** Undefined where there is no such object. */
  head(key: string): Promise<ObjectInfo | undefined>
  /** The object's bytes, or those of [start, end). Throws NotFoundError; a range beyond the end is cut, an empty result is empty. */
  get(key: string, options?: { start?: number; end?: number; ifMatch?: string }): Promise<Uint8Array>
  /** The object's bytes as they come. Throws NotFoundError. Ending the iteration early releases the source. */
  stream(key: string, options?: { ifMatch?: string }): Promise<ObjectStream>
  /** Objects whose key starts with `prefix`, in the order of their keys' UTF-8 bytes; only keys after `startAfter`. */
  list(prefix: string, options?: { startAfter?: string }): AsyncIterable<ObjectInfo>
  /** Writes whole or not at all: a reader sees the old object or the new one. A body that throws leaves nothing behind. */
  put(
    key: string,
    body: Uint8Array | AsyncIterable<Uint8Array>,
    options?: { ifAbsent?: boolean; contentType?: string },
  ): Promise<ObjectWritten>
  /** Writes `source`'s bytes followed by `append` as a new object; the store copies, the bytes do not pass through here where it can. */
  compose(
    key: string,
    parts: { source: string; append: Uint8Array; ifMatch?: string },
    options?: { ifAbsent?: boolean; contentType?: string },
  ): Promise<ObjectWritten>
  /** No error where there is no such object. */
  delete(key: string): Promise<void>
}
