import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { TransientError } from '../../lib/errors.ts'
import { createHttp, type Fetch } from '../../lib/http.ts'

/** A fetch that answers in turn: a status, or an error that it throws. */
function answering(...answers: (number | Error)[]) {
  const calls: { url: string; init: RequestInit }[] = []
  const fetch: Fetch = async (url, init) => {
    calls.push({ url, init })
    const answer = answers[Math.min(calls.length, answers.length) - 1]!
    if (answer instanceof Error) throw answer
    return new Response(answer === 204 ? null : 'an answer', { status: answer })
  }
  return { fetch, calls }
}

const quick = { service: 'lakeFS', pause: 0 }

describe('answers', () => {
  it.each([200, 204, 301, 400, 404, 409, 412, 501])('%i is the caller’s to understand', async status => {
    const { fetch, calls } = answering(status)
    expect((await createHttp({ ...quick, fetch })('http://lakefs/x')).status).toBe(status)
    expect(calls).toHaveLength(1)
  })

  it.each([429, 500, 502, 503, 504])('%i passes', async status => {
    const { fetch, calls } = answering(status, new Error('reset'), 200)
    expect((await createHttp({ ...quick, fetch })('http://lakefs/x')).status).toBe(200)
    expect(calls).toHaveLength(3)
  })
})

describe('failures', () => {
  it('end as TransientError after so many attempts, and show neither query nor answer', async () => {
    const { fetch, calls } = answering(503)
    const request = createHttp({ ...quick, fetch, attempts: 3 })
    const failure = await request('http://lakefs/api/x?token=t', { method: 'POST' }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(TransientError)
    expect((failure as Error).message).toBe('lakeFS answered 503: POST /api/x')
    expect((failure as TransientError).status).toBe(503)
    expect(calls).toHaveLength(3)
  })

  it('keep their cause', async () => {
    const cause = new Error('refused')
    const { fetch } = answering(cause)
    await expect(createHttp({ ...quick, fetch, attempts: 2 })('http://lakefs/')).rejects.toMatchObject({
      name: 'TransientError',
      message: 'lakeFS did not answer: GET /',
      cause,
      status: undefined,
    })
  })

  it('are not tried again where that could do the work twice', async () => {
    const { fetch, calls } = answering(503, 200)
    await expect(createHttp({ ...quick, fetch })('http://lakefs/x', { retry: false })).rejects.toThrow('answered 503')
    expect(calls).toHaveLength(1)
  })
})

it('sends what it is given, follows no redirect', async () => {
  const { fetch, calls } = answering(200)
  await createHttp({ ...quick, fetch })('http://lakefs/x', { method: 'PUT', headers: { a: 'b' }, body: 'c' })
  expect(calls[0]!.init).toMatchObject({ method: 'PUT', headers: { a: 'b' }, body: 'c', redirect: 'manual' })
})

it('pauses twice as long each time, by chance', async () => {
  const { fetch } = answering(500)
  const start = performance.now()
  await createHttp({ service: 's', fetch, attempts: 4, pause: 10, random: () => 0.999 })('http://s/').catch(() => {})
  expect(performance.now() - start).toBeGreaterThan(60)
})

describe('with a real server', () => {
  const servers: Server[] = []
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections()
      server.close()
    }
  })

  it('gives up on a server that does not answer in time', async () => {
    const server = createServer(() => {})
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/slow`
    const request = createHttp({ service: 'Marquez', attempts: 2, pause: 0, timeout: 30 })
    await expect(request(url)).rejects.toThrow('Marquez did not answer: GET /slow')
  })

  it('asks again for an answer that broke off, and does not take a part for the whole', async () => {
    let asked = 0
    let broken = 1
    const server = createServer((_, response) => {
      asked++
      response.writeHead(200, { 'content-length': '10', etag: 'e' })
      if (asked > broken) response.end('0123456789')
      else response.write('01234', () => response.destroy())
    })
    servers.push(server)
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`
    const request = createHttp({ service: 'lakeFS', attempts: 2, pause: 0 })
    const whole = await request(url)
    expect([whole.status, whole.headers.get('etag'), await whole.text(), asked]).toEqual([200, 'e', '0123456789', 2])
    broken = Number.POSITIVE_INFINITY
    const failure = await request(url, { retry: false }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(TransientError)
    expect((failure as Error).message).toBe('lakeFS did not answer: GET /x')
    expect(asked).toBe(3)
  })
})
