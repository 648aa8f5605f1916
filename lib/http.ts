import { setTimeout as sleep } from 'node:timers/promises'
import { TransientError } from './errors.ts'

/** What the helper needs of `fetch`; a test hands in its own. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

export interface HttpOptions {
  /** Named in errors: `lakeFS`, `Marquez`. */
  service: string
  fetch?: Fetch
  /** Tries in all, the first included. */
  attempts?: number
  /** ms; one try that takes longer is aborted and counts as a network failure. */
  timeout?: number
  /** ms before the second try; doubles each time, with full jitter. */
  pause?: number
  /** In [0, 1): spreads retries of many functions. */
  random?: () => number
}

export interface HttpRequest {
  method?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** False where a second try could do the work twice and the caller cannot tell. Default true. */
  retry?: boolean
}

const passing = (status: number): boolean => status === 429 || status >= 500

/** A response whose body has arrived: reading it cannot fail any more. Throws what `fetch` throws where it breaks off. */
async function readWhole(response: Response): Promise<Response> {
  if (response.body === null) return response
  const { status, statusText, headers } = response
  return new Response(await response.arrayBuffer(), { status, statusText, headers })
}

/**
 * Makes the one function through which all HTTP goes. It resolves with any answer below 500 other than 429, whatever its status:
 * what a 404 or a 409 means is the caller's to say. 5xx, 429 and network failures, an answer that breaks off among them, are tried again and
 * end as TransientError. Answers are held in memory.
 * 501 (not implemented) is final: it is returned. Bodies and answers never appear in errors.
 */
export function createHttp({
  service,
  fetch = globalThis.fetch,
  attempts = 5,
  timeout = 60_000,
  pause = 100,
  random = Math.random,
}: HttpOptions) {
  return async function request(
    url: string,
    { method = 'GET', headers, body, retry = true }: HttpRequest = {},
  ): Promise<Response> {
    const tries = retry ? attempts : 1
    for (let attempt = 1; ; attempt++) {
      let failure: string
      let cause: unknown
      let status: number | undefined
      try {
        const response = await fetch(url, {
          method,
          headers,
          body: body as RequestInit['body'],
          signal: AbortSignal.timeout(timeout),
          redirect: 'manual',
        })
        // An answer that breaks off is none, and may be asked for again.
        if (!passing(response.status) || response.status === 501) return await readWhole(response)
        await response.body?.cancel()
        failure = `answered ${response.status}`
        status = response.status
      } catch (error) {
        failure = 'did not answer'
        cause = error
      }
      if (attempt >= tries)
        throw new TransientError(`${service} ${failure}: ${method} ${new URL(url).pathname}`, { cause, status })
      await sleep(random() * pause * 2 ** (attempt - 1))
    }
  }
}

export type Http = ReturnType<typeof createHttp>
