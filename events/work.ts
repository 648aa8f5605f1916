import { z } from 'zod'

const versionWork = z.object({
  study: z.string(),
  version: z.string(),
  /** Names the event that led here: part of the deduplication ids that follow. */
  cause: z.string(),
  /** Names a rescan, replay or redrive: work that was queued before is then queued again. */
  replay: z.string().optional(),
})

/** queue `convert`: one CSV, as it lay in the landing bucket when the message was made. */
export const convertMessage = versionWork.extend({
  dataset: z.string(),
  file: z.string(),
  etag: z.string(),
  size: z.number(),
})

/** queue `register.fifo`, group study/version: look whether the version is complete. */
export const registerMessage = versionWork

/** queue `keys.fifo`, group study: the raw tables stand on the run branch. */
export const keysMessage = versionWork.extend({
  /** Names the run branch. */
  run: z.string(),
  /** Of the inputs that the run is for. */
  fingerprint: z.string(),
})

/** queue `add-keys`: the keys of every dataset of the run are allocated. */
export const addKeysMessage = keysMessage.extend({ dataset: z.string() })

/** queue `commit.fifo`, group study/version: a base table was written. */
export const commitMessage = keysMessage

export type ConvertMessage = z.infer<typeof convertMessage>
export type RegisterMessage = z.infer<typeof registerMessage>
export type KeysMessage = z.infer<typeof keysMessage>
export type AddKeysMessage = z.infer<typeof addKeysMessage>
export type CommitMessage = z.infer<typeof commitMessage>
