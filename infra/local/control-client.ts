import { open } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { DeadLetter, Redriven } from '../../lib/queue/dead-letters.ts'
import type { RedriveScope } from './platform.ts'
import type { DeadLetters } from './queues.ts'
import { loopback, type Settings } from './settings.ts'

/** The platform does not answer: it has stopped, or is only starting. */
export class NotRunningError extends Error {
  override name = 'NotRunningError'
}

/** What a running platform says of itself. */
export interface About {
  pid: number
  command: string
  folder: string
}

export interface ControlClient {
  about(): Promise<About>
  /** Streams a file into the landing bucket. */
  upload(key: string, path: string): Promise<void>
  rescan(scope?: { study?: string; version?: string }): Promise<void>
  status(scope: { study: string; version: string }): Promise<unknown>
  /** Resolves when nothing is left to do; what had to be given up is in the dead-letter queues. */
  idle(): Promise<DeadLetters[]>
  /** What had to be given up, message by message. */
  listDeadLetters(): Promise<DeadLetter[]>
  redrive(scope: RedriveScope): Promise<Redriven[]>
}

/** Speaks to the platform that another process runs on this machine. Every call throws NotRunningError where none answers. */
export function createControlClient(settings: Settings): ControlClient {
  const base = `http://${loopback}:${settings.ports.functions}`
  const headers = { authorization: `Bearer ${settings.controlToken}` }

  async function call<Result>(path: string, init: RequestInit = {}): Promise<Result> {
    let response: Response
    try {
      response = await fetch(`${base}${path}`, { ...init, headers })
    } catch (cause) {
      throw new NotRunningError('the platform does not answer: it has stopped', { cause })
    }
    return readAnswer(response.status, await response.text())
  }

  return {
    about: () => call('/'),
    // fetch would need duplex streams and a guess of the length; this says the length, so that a cut upload is seen as one.
    async upload(key, path) {
      const file = await open(path)
      const { size } = await file.stat()
      const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
      const request = httpRequest(`${base}/landing/${key.split('/').map(encodeURIComponent).join('/')}`, {
        method: 'PUT',
        headers: { ...headers, 'content-length': size },
      })
      const fail = (cause: unknown): void =>
        reject(new NotRunningError('the platform does not answer: it has stopped', { cause }))
      request.once('error', fail)
      request.once('response', response => {
        const status = response.statusCode ?? 0
        response.toArray().then(chunks => resolve({ status, text: Buffer.concat(chunks as Buffer[]).toString() }), fail)
      })
      // Where sending fails, the request fails too, or the platform has answered before it had read all.
      const sent = pipeline(file.createReadStream(), request).catch(() => {})
      const { status, text } = await promise
      await sent
      readAnswer(status, text)
    },
    async rescan(scope = {}) {
      await call('/rescan', { method: 'POST', body: JSON.stringify(scope) })
    },
    status: ({ study, version }) => call(`/status?${new URLSearchParams({ study, version })}`),
    listDeadLetters: () => call('/dead-letters'),
    redrive: scope => call('/dead-letters/redrive', { method: 'POST', body: JSON.stringify(scope) }),
    async idle() {
      for (;;) {
        const { idle, deadLetters } = await call<{ idle: boolean; deadLetters: DeadLetters[] }>('/idle')
        if (idle) return deadLetters
      }
    },
  }
}

function readAnswer<Result>(status: number, text: string): Result {
  if (status === 200) return JSON.parse(text) as Result
  let message = ''
  try {
    message = (JSON.parse(text) as { message?: string }).message ?? ''
  } catch {
    // Another program listens at the port.
  }
  if (status === 401) throw new NotRunningError('another program, or another platform, answers at this port')
  throw new Error(`the platform answered ${status}${message ? `: ${message}` : ''}`)
}
