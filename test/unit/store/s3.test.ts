import { Readable } from 'node:stream'
import { S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { NotFoundError, PreconditionError, TransientError } from '../../../lib/errors.ts'
import { createS3Store } from '../../../lib/store/s3.ts'
import { cutBody, cutRanges } from '../../../lib/store/s3-multipart.ts'

interface Request {
  method: string
  path: string
  query: Record<string, string>
  headers: Record<string, string>
  body?: Uint8Array | string
}
interface Answer {
  status?: number
  headers?: Record<string, string>
  body?: string
  stream?: Readable
}

const MiB = 1024 * 1024
const error = (status: number, code: string): Answer => ({ status, body: `<Error><Code>${code}</Code></Error>` })

/** What the SDK's core needs to recognise an answer. */
class HttpResponse {
  statusCode: number
  headers: Record<string, string>
  body: Readable
  constructor({ status = 200, headers = {}, body = '', stream }: Answer) {
    this.statusCode = status
    this.headers = { 'content-length': String(Buffer.byteLength(body)), ...headers }
    this.body = stream ?? Readable.from(body === '' ? [] : [Buffer.from(body)])
  }
}

/** A store over a server that `answer` plays; `requests` is what it was asked. A thrown error is a failure of the network. */
function playing(answer: (request: Request) => Answer) {
  const requests: Request[] = []
  const client = new S3Client({
    region: 'eu-central-1',
    endpoint: 'http://s3.test',
    forcePathStyle: true,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
    requestHandler: {
      handle: async (request: Request) => {
        requests.push(request)
        return { response: new HttpResponse(answer(request)) as never }
      },
    },
  })
  return { requests, store: createS3Store({ client, bucket: 'lake' }) }
}

const put = (answer: Answer, ifAbsent = false) =>
  playing(({ method }) => (method === 'HEAD' ? { status: 404 } : answer)).store.put('a.csv', Buffer.from('x'), {
    ifAbsent,
  })

describe('errors', () => {
  it.each([
    [error(500, 'InternalError'), TransientError],
    [error(503, 'SlowDown'), TransientError],
    [error(503, 'ServiceUnavailable'), TransientError],
    [error(429, 'TooManyRequests'), TransientError],
    [error(400, 'RequestTimeout'), TransientError],
    [error(409, 'OperationAborted'), TransientError],
    [error(412, 'PreconditionFailed'), PreconditionError],
  ])('%j becomes the project’s own', async (answer, kind) => {
    await expect(put(answer)).rejects.toBeInstanceOf(kind)
  })

  it.each([error(403, 'AccessDenied'), error(404, 'NoSuchBucket'), error(400, 'InvalidRequest')])(
    '%j stays what it is',
    async answer => {
      const failure = await put(answer).catch(error => error)
      for (const kind of [TransientError, PreconditionError, NotFoundError]) expect(failure).not.toBeInstanceOf(kind)
      expect(answer.body).toContain(failure.name)
    },
  )

  it.each(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])('%s on the network passes', async code => {
    const { store } = playing(() => {
      throw Object.assign(new Error('network'), { code })
    })
    const failure = await store.head('a.csv').catch(error => error)
    expect(failure).toBeInstanceOf(TransientError)
    expect(failure.message).toContain('s3://lake/a.csv')
    await expect(store.delete('a.csv')).rejects.toBeInstanceOf(TransientError)
    await expect(store.stream('a.csv')).rejects.toBeInstanceOf(TransientError)
    await expect(store.list('a')[Symbol.asyncIterator]().next()).rejects.toBeInstanceOf(TransientError)
  })

  it('of a body that breaks off passes', async () => {
    async function* broken() {
      yield Buffer.from('some')
      throw Object.assign(new Error('aborted'), { code: 'ECONNRESET' })
    }
    const { store } = playing(() => ({
      headers: { etag: '"e"', 'content-length': '10' },
      stream: Readable.from(broken()),
    }))
    await expect(store.get('a.csv')).rejects.toBeInstanceOf(TransientError)
    const { info, body } = await store.stream('a.csv')
    expect(info).toMatchObject({ size: 10, etag: 'e' })
    const read: string[] = []
    const reading = (async () => {
      for await (const chunk of body) read.push(Buffer.from(chunk).toString())
    })()
    await expect(reading).rejects.toBeInstanceOf(TransientError)
    expect(read).toEqual(['some'])
  })

  it('name the key, and a missing object is a missing object', async () => {
    const { store } = playing(() => error(404, 'NoSuchKey'))
    await expect(store.get('x/y.csv')).rejects.toThrow('s3://lake/x/y.csv does not exist')
    await expect(store.stream('x/y.csv')).rejects.toBeInstanceOf(NotFoundError)
    await expect(store.compose('b', { source: 'x/y.csv', append: new Uint8Array(1) })).rejects.toBeInstanceOf(
      NotFoundError,
    )
    expect(await store.head('x/y.csv')).toBeUndefined()
    await store.delete('x/y.csv')
  })

  it('refuse a key or part size that S3 would refuse', async () => {
    const { store, requests } = playing(() => ({}))
    await expect(store.put('', new Uint8Array(0))).rejects.toThrow(RangeError)
    await expect(store.get('k'.repeat(1025))).rejects.toThrow(RangeError)
    expect(requests).toEqual([])
    expect(() => createS3Store({ client: new S3Client(), bucket: 'b', partSize: MiB })).toThrow(
      'partSize is 1048576 bytes',
    )
  })
})

describe('a conditional write that ran into another', () => {
  const conflict = error(409, 'ConditionalRequestConflict')

  it('has lost where an object stands there now', async () => {
    const { store } = playing(({ method }) => (method === 'HEAD' ? { headers: { etag: '"e"' } } : conflict))
    await expect(store.put('a', Buffer.from('x'), { ifAbsent: true })).rejects.toBeInstanceOf(PreconditionError)
  })

  it('may be tried again where none does', async () => {
    await expect(put(conflict, true)).rejects.toBeInstanceOf(TransientError)
  })
})

describe('reads', () => {
  it('ask for the range and the ETag', async () => {
    const { store, requests } = playing(() => ({ status: 206, body: 'bc' }))
    await store.get('a b+c%.csv', { start: 1, end: 3, ifMatch: 'tag' })
    expect(requests[0]).toMatchObject({
      path: '/lake/a%20b%2Bc%25.csv',
      headers: { range: 'bytes=1-2', 'if-match': '"tag"' },
    })
    await store.get('a', { start: 5 })
    expect(requests[1]!.headers.range).toBe('bytes=5-')
    expect(await store.get('a', { start: 5, end: 2 })).toHaveLength(0)
  })

  it('of a range beyond the end are empty', async () => {
    const { store } = playing(() => error(416, 'InvalidRange'))
    expect(await store.get('a', { start: 5 })).toHaveLength(0)
  })

  it('of a list decode keys and follow the pages', async () => {
    const page = (keys: string[], next?: string): Answer => ({
      body: `<ListBucketResult><EncodingType>url</EncodingType>${keys
        .map(key => `<Contents><Key>${key}</Key><Size>3</Size><ETag>"e"</ETag></Contents>`)
        .join('')}${next ? `<NextContinuationToken>${next}</NextContinuationToken>` : ''}</ListBucketResult>`,
    })
    const { store, requests } = playing(({ query }) =>
      query['continuation-token'] ? page(['c']) : page(['a+b%2B%25', '%00'], 'more'),
    )
    const keys: string[] = []
    for await (const { key, size, etag } of store.list('p', { startAfter: 'o' })) {
      keys.push(key)
      expect([size, etag]).toEqual([3, 'e'])
    }
    expect(keys).toEqual(['a b+%', '\0', 'c'])
    expect(requests.map(({ query }) => [query.prefix, query['start-after']])).toEqual([
      ['p', 'o'],
      ['p', 'o'],
    ])
  })

  it('decode nothing where the server has encoded nothing', async () => {
    const { store } = playing(() => ({
      body: '<ListBucketResult><Contents><Key>a+b</Key></Contents></ListBucketResult>',
    }))
    for await (const info of store.list(''))
      expect(info).toEqual({ key: 'a+b', size: 0, etag: '', lastModified: new Date(0) })
    expect.assertions(1)
  })
})

/** A server that takes multipart uploads; `fail` answers instead where it says something. */
function uploads(fail: (request: Request) => Answer | undefined = () => undefined) {
  return playing(request => {
    const failure = fail(request)
    if (failure) return failure
    if (request.method === 'HEAD') return { headers: { etag: '"source"', 'content-length': String(12 * MiB) } }
    if (request.method === 'POST' && 'uploads' in request.query)
      return { body: '<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>' }
    if (request.method === 'POST')
      return { body: '<CompleteMultipartUploadResult><ETag>"done-2"</ETag></CompleteMultipartUploadResult>' }
    if (request.headers['x-amz-copy-source']) return { body: '<CopyPartResult><ETag>"copied"</ETag></CopyPartResult>' }
    return { headers: { etag: '"part"', 'x-amz-checksum-crc32': 'AAAAAA==' } }
  })
}

const outline = (requests: Request[]): string[] =>
  requests.map(({ method, query }) => [method, ...Object.keys(query).filter(name => name !== 'x-id')].join(' '))

async function* long(failAfter = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < 9; i++) {
    if (i >= failAfter) throw new Error('broke off')
    yield Buffer.alloc(MiB)
  }
}

describe('multipart uploads', () => {
  it('announce the checksums of their parts and complete on condition', async () => {
    const { store, requests } = uploads()
    expect(await store.put('a', long(), { ifAbsent: true, contentType: 'text/csv' })).toEqual({
      etag: 'done-2',
      size: 9 * MiB,
    })
    expect(outline(requests)).toEqual([
      'POST uploads',
      'PUT uploadId partNumber',
      'PUT uploadId partNumber',
      'POST uploadId',
    ])
    expect(requests[0]!.headers).toMatchObject({ 'x-amz-checksum-algorithm': 'CRC32', 'content-type': 'text/csv' })
    expect(requests[1]!.headers['x-amz-checksum-crc32']).toBeDefined()
    expect(requests[3]!.headers['if-none-match']).toBe('*')
    expect(String(requests[3]!.body)).toContain('<ChecksumCRC32>AAAAAA==</ChecksumCRC32>')
  })

  it('are aborted when the body or a part fails', async () => {
    const broken = uploads()
    await expect(broken.store.put('a', long(8))).rejects.toThrow('broke off')
    expect(broken.requests).toEqual([])
    const later = uploads(({ query }) => (query.partNumber === '2' ? error(500, 'InternalError') : undefined))
    await expect(later.store.put('a', long())).rejects.toBeInstanceOf(TransientError)
    expect(outline(later.requests).at(-1)).toBe('DELETE uploadId')
  })

  it('report the failure of the upload also when it cannot be aborted', async () => {
    const { store } = uploads(({ method, query }) =>
      method === 'DELETE' ? error(403, 'AccessDenied') : query.partNumber ? error(404, 'NoSuchUpload') : undefined,
    )
    await expect(store.put('a', long())).rejects.toBeInstanceOf(TransientError)
  })
})

describe('compose', () => {
  const compose = ({ store }: { store: ReturnType<typeof playing>['store'] }, ifMatch?: string) =>
    store.compose('out', { source: 'in ü+%/a', append: Buffer.from('tail'), ifMatch }, { ifAbsent: true })

  it('copies the object that was looked at and sends the tail without an unannounced checksum', async () => {
    const server = uploads()
    expect(await compose(server, 'source')).toEqual({ etag: 'done-2', size: 12 * MiB + 4 })
    const [, create, copy, tail, complete] = server.requests
    expect(create!.headers['x-amz-checksum-algorithm']).toBeUndefined()
    expect(copy!.headers).toMatchObject({
      'x-amz-copy-source': 'lake/in%20%C3%BC%2B%25/a',
      'x-amz-copy-source-if-match': '"source"',
      'x-amz-copy-source-range': `bytes=0-${12 * MiB - 1}`,
    })
    expect(Object.keys(tail!.headers).filter(name => name.includes('checksum'))).toEqual([])
    expect(tail!.headers['content-md5']).toBeDefined()
    expect(complete!.headers['if-none-match']).toBe('*')
  })

  it('tells a source that changed meanwhile from a condition that does not hold', async () => {
    const changed = uploads(({ headers }) =>
      headers['x-amz-copy-source'] ? error(412, 'PreconditionFailed') : undefined,
    )
    await expect(compose(changed)).rejects.toBeInstanceOf(TransientError)
    expect(outline(changed.requests).at(-1)).toBe('DELETE uploadId')
    const other = uploads()
    await expect(compose(other, 'older')).rejects.toBeInstanceOf(PreconditionError)
    expect(outline(other.requests)).toEqual(['HEAD'])
    const gone = uploads(({ headers }) => (headers['x-amz-copy-source'] ? error(404, 'NoSuchKey') : undefined))
    await expect(compose(gone)).rejects.toThrow('s3://lake/in ü+%/a does not exist')
  })
})

describe('cutRanges', () => {
  it.each([
    [5 * MiB, 5 * MiB],
    [5 * MiB + 1, 5 * MiB],
    [23 * MiB + 3, 5 * MiB],
    [7 * MiB, 256 * MiB],
    [5_000 * MiB, 256 * MiB],
  ])('cuts %i bytes into parts of at least %i and less than twice that', (size, length) => {
    const ranges = cutRanges(size, length)
    let next = 0
    for (const [first, last] of ranges) {
      expect(first).toBe(next)
      expect(last - first + 1).toBeGreaterThanOrEqual(Math.min(size, length))
      expect(last - first + 1).toBeLessThan(2 * length)
      next = last + 1
    }
    expect(next).toBe(size)
  })
})

describe('cutBody', () => {
  const pieces = async (...sizes: number[]): Promise<number[]> => {
    async function* body() {
      for (const size of sizes) yield new Uint8Array(size)
    }
    const found: number[] = []
    for await (const piece of cutBody(body(), 10)) found.push(piece.length)
    return found
  }

  it('yields full pieces and a rest', async () => {
    expect(await pieces()).toEqual([0])
    expect(await pieces(0, 0)).toEqual([0])
    expect(await pieces(3, 3, 3)).toEqual([9])
    expect(await pieces(10)).toEqual([10])
    expect(await pieces(25, 5)).toEqual([10, 10, 10])
    expect(await pieces(1, 30)).toEqual([10, 10, 10, 1])
  })
})
