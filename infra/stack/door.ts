/**
 * A stable address for the deployed functions. An emulator gives a function's URL a new name at every deployment; lakeFS and MinIO
 * are told an address once and keep it. So they are told this one, and it passes their requests on. Nothing of it needs a package: it
 * runs in a container, too.
 */
import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from 'node:http'

/** A function behind the door. */
export interface DoorTarget {
  /** Where the emulator answers. */
  endpoint: string
  /** The host of the function's URL, by which the emulator knows which one is meant. */
  host: string
}

export interface Door {
  /** Below it each function has its name. */
  endpoint: string
  /** Where the requests for `/<name>` go. */
  open(name: string, target: DoorTarget): Promise<void>
  /** Requests for `/<name>` get 503. */
  shut(name: string): Promise<void>
  close(): Promise<void>
}

/** Passes requests on to what `find` gives for their name; 503 where it gives nothing, or that does not answer. Throws where the port is taken. */
export async function serveDoor({
  host,
  port,
  find,
}: {
  host: string
  port: number
  find: (name: string) => DoorTarget | undefined
}): Promise<{ close(): Promise<void> }> {
  const server = createServer((request, response) => {
    const [, name = '', rest = ''] = /^\/([^/?]*)\/?(.*)$/s.exec(request.url ?? '') ?? []
    const target = find(name)
    if (target) passOn(request, response, target, `/${rest}`)
    else refuse(response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  return {
    close() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
}

function refuse(response: ServerResponse): void {
  if (response.headersSent) response.destroy()
  else response.writeHead(503, { connection: 'close' }).end()
}

function passOn(
  request: IncomingMessage,
  response: ServerResponse,
  { endpoint, host }: DoorTarget,
  path: string,
): void {
  const { hostname, port } = new URL(endpoint)
  // The path goes as it came: one that is itself an address must not lead elsewhere.
  const options = { hostname, port, path, method: request.method, headers: { ...request.headers, host } }
  const onward = sendRequest(options, answer => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.on('error', () => refuse(response)).pipe(response)
  })
  onward.on('error', () => refuse(response))
  response.on('close', () => onward.destroy())
  request.pipe(onward)
}

/** A door in this process, on loopback. */
export async function openDoor({ port }: { port: number }): Promise<Door> {
  const host = '127.0.0.1'
  const targets = new Map<string, DoorTarget>()
  const server = await serveDoor({ host, port, find: name => targets.get(name) })
  return {
    endpoint: `http://${host}:${port}`,
    async open(name, target) {
      targets.set(name, target)
    },
    async shut(name) {
      targets.delete(name)
    },
    close: server.close,
  }
}
