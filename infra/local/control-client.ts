import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { pipeline } from 'node:stream/promises'
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
      const { size } = await stat(path)
      const { promise, resolve, reject } = Promise.withResolvers<{ status: number; text: string }>()
      const request = httpRequest(`${base}/landing/${key.split('/').map(encodeURIComponent).join('/')}`, {
        method: 'PUT',
        headers: { ...headers, 'content-length': size },
      })
      request.once('error', cause =>
        reject(new NotRunningError('the platform does not answer: it has stopped', { cause })),
      )
      request.once('response', async response => {
        const chunks: Buffer[] = await response.toArray()
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() })
      })
      const sent = pipeline(createReadStream(path), request)
      const { status, text } = await promise
      await sent.catch(() => {})
      readAnswer(status, text)
    },
    async rescan(scope = {}) {
      await call('/rescan', { method: 'POST', body: JSON.stringify(scope) })
    },
    status: ({ study, version }) => call(`/status?${new URLSearchParams({ study, version })}`),
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
