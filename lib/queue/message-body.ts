import type { z } from 'zod'
import { decodeKey, landingMessage, type ObjectEvent } from '../../events/landing.ts'
import { addKeysMessage, commitMessage, convertMessage, keysMessage, registerMessage } from '../../events/work.ts'
import type { Queues } from '../environment.ts'
import { parseJson, stringifyJson } from '../json.ts'
import { parseLandingKey } from '../layout.ts'

const schemas = {
  landing: landingMessage,
  convert: convertMessage,
  register: registerMessage,
  keys: keysMessage,
  addKeys: addKeysMessage,
  commit: commitMessage,
} satisfies Record<keyof Queues, z.ZodType>

/** What a message of a work queue is about: names and hashes, and nothing else of its body. */
export interface MessageNames {
  /** `unreadable`: the body is no message of that queue. */
  kind: 'work' | 'files' | 'rescan' | 'test event' | 'unreadable'
  study?: string
  version?: string
  dataset?: string
  /** Of an object event: the landing key, where it is of no dataset. */
  file?: string
  etag?: string
  run?: string
  /** Further files that the same event announces. */
  more?: number
}

type Names = Omit<MessageNames, 'kind'>

/** The body as the queue's schema gives it; undefined where it does not fit. */
function parseBody(source: keyof Queues, body: string): object | undefined {
  try {
    return schemas[source].safeParse(parseJson(body)).data
  } catch {
    return undefined
  }
}

/** Throws URIError for a key that is not encoded. */
function nameFiles({ Records: [first, ...others] }: ObjectEvent): Names {
  if (!first) return {}
  const { key: encoded, eTag } = first.s3.object
  const key = decodeKey(encoded)
  const parsed = parseLandingKey(key)
  const place =
    parsed.kind === 'dataset' || parsed.kind === 'contents'
      ? { study: parsed.study, version: parsed.version, file: parsed.file }
      : { file: key }
  return {
    ...place,
    ...(parsed.kind === 'dataset' && { dataset: parsed.dataset }),
    ...(eTag !== undefined && { etag: eTag }),
    ...(others.length > 0 && { more: others.length }),
  }
}

/** Says what a message is about. Never throws. */
export function nameMessage(source: keyof Queues, body: string): MessageNames {
  const message = parseBody(source, body)
  if (!message) return { kind: 'unreadable' }
  if (source !== 'landing') {
    const { study, version, dataset, file, etag, run } = message as Names
    return dropUndefined({ kind: 'work', study, version, dataset, file, etag, run })
  }
  const landed = message as z.infer<typeof landingMessage>
  if ('Event' in landed) return { kind: 'test event' }
  if ('rescan' in landed) {
    const { study, version } = landed.rescan
    return dropUndefined({ kind: 'rescan', study, version })
  }
  try {
    return { kind: 'files', ...nameFiles(landed) }
  } catch {
    return { kind: 'unreadable' }
  }
}

const dropUndefined = (names: MessageNames): MessageNames =>
  Object.fromEntries(Object.entries(names).filter(([, name]) => name !== undefined)) as unknown as MessageNames

/**
 * The body of a message that is sent once more because of `cause`: what follows from it gets deduplication ids of its own, and work that was
 * queued before is queued again. An object event has no place for a cause and stays as it is: what it leads to is looked up, and its
 * cause is its content. A body that does not fit stays as it is.
 */
export function renewBody(source: keyof Queues, body: string, cause: string): string {
  const message = parseBody(source, body)
  if (!message || 'Records' in message || 'Event' in message) return body
  const given = parseJson(body) as Record<string, unknown>
  if (source !== 'landing') return stringifyJson({ ...given, cause, replay: cause })
  // No longer the first look at an upload, but a repetition that somebody asked for.
  const { settling: _, ...rescan } = given.rescan as Record<string, unknown>
  return stringifyJson({ ...given, rescan: { ...rescan, cause } })
}
