import { sha256 } from '../hash.ts'
import { address, type Layer, manifestKey, manifestListKey, metadataKey } from '../layout.ts'
import type { ObjectStore } from '../store/object-store.ts'
import { putOnce } from '../store/put-once.ts'

/** Puts one table's own files into the lake: each under the hash of its bytes, each only if it is not there. */
export interface LakeWriter {
  /** Resolves with the manifest's address and size. */
  putManifest(bytes: Uint8Array): Promise<{ address: string; bytes: number }>
  /** Resolves with the list's address. */
  putManifestList(bytes: Uint8Array): Promise<string>
  /** Resolves with the document's key. */
  putMetadata(text: string): Promise<string>
  /** Where `putMetadata` puts a document. */
  metadataKey(text: string): string
}

export function createLakeWriter({
  store,
  study,
  layer,
  dataset,
}: {
  store: ObjectStore
  study: string
  layer: Layer
  dataset: string
}): LakeWriter {
  async function putAvro(keyOf: typeof manifestKey, bytes: Uint8Array): Promise<string> {
    const key = keyOf(study, layer, dataset, sha256(bytes))
    await putOnce(store, key, bytes, { contentType: 'application/octet-stream' })
    return address(store.bucket, key)
  }
  const keyOfText = (text: string) => metadataKey(study, layer, dataset, sha256(text))
  return {
    putManifest: async bytes => ({ address: await putAvro(manifestKey, bytes), bytes: bytes.length }),
    putManifestList: bytes => putAvro(manifestListKey, bytes),
    async putMetadata(text) {
      const key = keyOfText(text)
      await putOnce(store, key, Buffer.from(text), { contentType: 'application/json' })
      return key
    },
    metadataKey: keyOfText,
  }
}
