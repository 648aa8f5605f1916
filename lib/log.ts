/** What a log line may say of the work at hand. Names and counts only: a cell value never goes to the log. */
export interface LogFields {
  function?: string
  study?: string
  version?: string
  dataset?: string
  run?: string
  messageId?: string
  [name: string]: string | number | boolean | undefined
}

/** A structured logger. `with` gives one whose lines all carry further fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  with(fields: LogFields): Log
}

type Level = 'debug' | 'info' | 'warn' | 'error'
const levels: readonly Level[] = ['debug', 'info', 'warn', 'error']

/** A logger that hands one line of JSON at a time to `write`. Lines below `level` are dropped. */
export function createLog({
  write,
  now,
  level = 'info',
  fields = {},
}: {
  write: (line: string) => void
  now: () => Date
  level?: Level
  fields?: LogFields
}): Log {
  const line =
    (of: Level) =>
    (message: string, more: LogFields = {}): void => {
      if (levels.indexOf(of) < levels.indexOf(level)) return
      write(JSON.stringify({ time: now().toISOString(), level: of, message, ...fields, ...more }))
    }
  return {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    with: more => createLog({ write, now, level, fields: { ...fields, ...more } }),
  }
}

/** A logger that says nothing. */
export const silentLog: Log = createLog({ write: () => {}, now: () => new Date(0), level: 'error' })
