import { MissingError } from '../../infra/stack/cache.ts'
import type { Landing } from '../../infra/stack/servers.ts'

/** The object stores that the suite runs over: the one that `$LANDING` names, or both. Throws MissingError for another word. */
export function chooseLandings(variables: Record<string, string | undefined> = process.env): Landing[] {
  const { LANDING: name = '' } = variables
  if (name === '') return ['s3', 'minio']
  if (name === 's3' || name === 'minio') return [name]
  throw new MissingError(`LANDING is ${JSON.stringify(name)}, expected s3 or minio`)
}
