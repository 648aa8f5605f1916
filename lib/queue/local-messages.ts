import { DatabaseSync } from 'node:sqlite'
import { TransientError } from '../errors.ts'
import { uuidV5 } from '../hash.ts'
import type { OutgoingMessage } from './queue.ts'
import { deduplicationSeconds } from './rules.ts'

/** A stored message. Times are ms since 1970. */
export interface Message {
  /** Grows with every message of the file; a message moved to another queue gets a new one. */
  sequence: number
  messageId: string
  body: string
  groupId: string | null
  deduplicationId: string | null
  sentAt: number
  visibleAt: number
  receiveCount: number
}

/** What the table needs to know of a queue. */
export interface QueueRules {
  name: string
  fifo: boolean
  maxReceives?: number
  deadLetter?: string
}

/** Ids of messages are made from their place in the file, so that nothing random is needed; any fixed UUID will do here. */
const namespace = '5e2f0c3a-6a51-4a0e-9d3b-0c6c5b0f7a11'
const schemaVersion = 1
const schema = `
  CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    queue TEXT NOT NULL,
    messageId TEXT NOT NULL,
    body TEXT NOT NULL,
    groupId TEXT,
    deduplicationId TEXT,
    sentAt INTEGER NOT NULL,
    visibleAt INTEGER NOT NULL,
    receiveCount INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX messagesInOrder ON messages (queue, sequence);
  CREATE INDEX messagesOfGroup ON messages (queue, groupId, visibleAt);
  CREATE TABLE deduplication (
    queue TEXT NOT NULL, id TEXT NOT NULL, expiresAt INTEGER NOT NULL, PRIMARY KEY (queue, id)
  ) WITHOUT ROWID;
  PRAGMA user_version = ${schemaVersion};`

/**
 * Messages that may be handed out at :now, in the order of sending. In a FIFO queue a group with a message in flight is locked
 * (ReceiveMessage: "while messages with a particular MessageGroupId are invisible, no more messages … are returned").
 */
const available = {
  standard: 'SELECT * FROM messages WHERE queue = :queue AND visibleAt <= :now ORDER BY sequence',
  fifo: `SELECT * FROM messages AS m WHERE queue = :queue AND NOT EXISTS (
    SELECT 1 FROM messages AS f WHERE f.queue = m.queue AND f.groupId = m.groupId AND f.visibleAt > :now) ORDER BY sequence`,
}

const nextVisible = {
  standard: 'SELECT min(visibleAt) AS at FROM messages WHERE queue = ?',
  fifo: `SELECT min(at) AS at FROM (SELECT max(visibleAt) AS at FROM messages WHERE queue = ? GROUP BY groupId)`,
}

/**
 * The messages of any number of queues in one SQLite file. Every function is one transaction, on disk when it returns (WAL with
 * synchronous=FULL); none knows of waiting or of receipt handles. All throw TransientError where the file is busy or the disk is full.
 */
export function openMessages(path: string, busyTimeout: number) {
  const database = guard(() => new DatabaseSync(path, { timeout: busyTimeout }))
  guard(() => {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
    transaction(() => {
      const { user_version: version } = database.prepare('PRAGMA user_version').get() as { user_version: number }
      if (version === 0) database.exec(schema)
      else if (version !== schemaVersion) {
        throw new Error(`queue file ${path} has format ${version}, expected ${schemaVersion}`)
      }
    })
  })

  const sql = {
    remember: database.prepare(
      'INSERT INTO deduplication VALUES (?, ?, ?) ON CONFLICT (queue, id) DO UPDATE SET expiresAt = excluded.expiresAt WHERE expiresAt <= ?',
    ),
    forget: database.prepare('DELETE FROM deduplication WHERE queue = ? AND expiresAt <= ?'),
    insert: database.prepare(
      `INSERT INTO messages (queue, messageId, body, groupId, deduplicationId, sentAt, visibleAt) VALUES (?, '', ?, ?, ?, ?, ?)`,
    ),
    setId: database.prepare('UPDATE messages SET messageId = ? WHERE sequence = ?'),
    standard: database.prepare(available.standard),
    fifo: database.prepare(available.fifo),
    handOut: database.prepare('UPDATE messages SET visibleAt = ?, receiveCount = receiveCount + 1 WHERE sequence = ?'),
    move: database.prepare(
      `INSERT INTO messages (queue, messageId, body, groupId, deduplicationId, sentAt, visibleAt)
       SELECT ?, messageId, body, groupId, deduplicationId, sentAt, ? FROM messages WHERE sequence = ?`,
    ),
    find: database.prepare('SELECT * FROM messages WHERE queue = ? AND sequence = ?'),
    remove: database.prepare('DELETE FROM messages WHERE sequence = ?'),
    show: database.prepare('UPDATE messages SET visibleAt = ? WHERE sequence = ?'),
    release: database.prepare('UPDATE messages SET visibleAt = :now WHERE visibleAt > :now AND receiveCount > 0'),
    purge: database.prepare('DELETE FROM messages WHERE queue = ?'),
    peek: database.prepare('SELECT * FROM messages WHERE queue = ? ORDER BY sequence LIMIT ?'),
    depth: database.prepare(
      `SELECT count(*) FILTER (WHERE visibleAt <= :now) AS visible,
        count(*) FILTER (WHERE visibleAt > :now AND receiveCount > 0) AS inFlight,
        count(*) FILTER (WHERE visibleAt > :now AND receiveCount = 0) AS delayed FROM messages WHERE queue = :queue`,
    ),
    nextStandard: database.prepare(nextVisible.standard),
    nextFifo: database.prepare(nextVisible.fifo),
  }

  function transaction<T>(work: () => T): T {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK')
      throw error
    }
  }

  const write = <T>(work: () => T): T => guard(() => transaction(work))

  return {
    /** Stores messages in order, without those whose deduplication id was stored within five minutes. */
    add({ name, fifo }: QueueRules, messages: OutgoingMessage[], now: number): void {
      write(() => {
        sql.forget.run(name, now)
        for (const { body, groupId = null, deduplicationId = null, delaySeconds = 0 } of messages) {
          if (fifo) {
            const { changes } = sql.remember.run(name, deduplicationId, now + deduplicationSeconds * 1000, now)
            if (changes === 0) continue
          }
          const visibleAt = now + delaySeconds * 1000
          const { lastInsertRowid } = sql.insert.run(name, body, groupId, deduplicationId, now, visibleAt)
          sql.setId.run(uuidV5(namespace, `${name} ${now} ${lastInsertRowid}`), lastInsertRowid)
        }
      })
    },

    /**
     * Hands out up to `max` messages, invisible until `visibleAt`. One that was handed out `maxReceives` times already goes to the
     * dead-letter queue instead, which frees its group.
     */
    take({ name, fifo, maxReceives, deadLetter }: QueueRules, max: number, now: number, visibleAt: number) {
      return write(() => {
        const taken: Message[] = []
        const dead: Message[] = []
        for (const row of sql[fifo ? 'fifo' : 'standard'].iterate({ queue: name, now })) {
          const message = row as unknown as Message
          const worn = maxReceives !== undefined && deadLetter !== undefined && message.receiveCount >= maxReceives
          if (worn) dead.push(message)
          else if (taken.push(message) === max) break
        }
        for (const { sequence } of dead) {
          sql.move.run(deadLetter!, now, sequence)
          sql.remove.run(sequence)
        }
        for (const message of taken) {
          sql.handOut.run(visibleAt, message.sequence)
          message.visibleAt = visibleAt
          message.receiveCount++
        }
        return { taken, moved: dead.length }
      })
    },

    /** Calls `decide` with the message, where there still is one, and does as it says, all in one transaction. */
    change(
      queue: string,
      sequence: number,
      decide: (message: Message | undefined) => 'keep' | 'delete' | { visibleAt: number },
    ): void {
      write(() => {
        const verdict = decide(sql.find.get(queue, sequence) as Message | undefined)
        if (verdict === 'delete') sql.remove.run(sequence)
        else if (verdict !== 'keep') sql.show.run(verdict.visibleAt, sequence)
      })
    },

    /** Deletes all messages of a queue; deduplication ids stay remembered. */
    purge: (queue: string): void => void write(() => sql.purge.run(queue)),

    /** Makes every message that was handed out visible from `now` on. Delays of messages never handed out stay. */
    releaseInFlight: (now: number): void => void write(() => sql.release.run({ now })),

    /** The oldest messages of a queue, whatever their state; nothing changes. */
    peek: (queue: string, limit: number): Message[] => guard(() => sql.peek.all(queue, limit) as unknown as Message[]),

    depth(queue: string, now: number): { visible: number; inFlight: number; delayed: number } {
      return {
        ...(guard(() => sql.depth.get({ queue, now })) as { visible: number; inFlight: number; delayed: number }),
      }
    },

    /** When the next message can be handed out, in the past where one can be now; undefined where the queue is empty. */
    nextVisibleAt({ name, fifo }: QueueRules): number | undefined {
      const row = guard(() => sql[fifo ? 'nextFifo' : 'nextStandard'].get(name)) as { at: number | null }
      return row.at ?? undefined
    },

    close: (): void => database.close(),
  }
}

/** SQLITE_BUSY, SQLITE_LOCKED, SQLITE_IOERR, SQLITE_FULL: https://sqlite.org/rescode.html */
const passing = new Set([5, 6, 10, 13])

function guard<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    const code = (error as { errcode?: number }).errcode
    if (code !== undefined && passing.has(code & 0xff))
      throw new TransientError(`queue file answered ${code}`, { cause: error })
    throw error
  }
}
