import type { ObjectStore } from '../store/object-store.ts'

/** The bytes of one file, wherever it lies. */
export interface ByteSource {
  /** What errors call it. */
  subject: string
  /** The bytes [start, end), fewer where the file ends before. */
  read(start: number, end: number): Promise<Uint8Array> | Uint8Array
}

/** An object of a store as a source. */
export const objectSource = (store: ObjectStore, key: string): ByteSource => ({
  subject: `s3://${store.bucket}/${key}`,
  read: (start, end) => store.get(key, { start, end }),
})
