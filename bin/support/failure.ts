/** A command was called in a way that it cannot be meant: exit code 2. */
export class UsageError extends Error {
  override name = 'UsageError'
}

/** A command could not do what it was asked for, and the message says what to do: exit code 1. Never printed with a stack trace. */
export class CommandError extends Error {
  override name = 'CommandError'
}

export const exitCodes = {
  done: 0,
  /** A version is rejected or waiting, a check found something, or the work could not be done. */
  refused: 1,
  usage: 2,
  /** After Ctrl-C: 128 + SIGINT, as shells have it. */
  interrupted: 130,
} as const
