/**
 * A table's metadata, manifest list or manifests are not what the Iceberg spec or the table itself says they are. Callers that judge
 * tables tell it from a failure of the store; no retry mends it.
 */
export class IcebergError extends Error {
  override name = 'IcebergError'
}
