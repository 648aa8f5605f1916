import type { ApiRequest, Reply } from './request.ts'

export type Handler = (request: ApiRequest) => Reply | Promise<Reply>

/** Method, path below `/api/v1` with `:name` parts, handler. */
export type Route = [method: string, path: string, handler: Handler]

/** Finds the handler of a request. Undefined where no route has that path and method. */
export function createRouter(routes: Route[]) {
  const compiled = routes.map(([method, path, handler]) => ({ method, parts: path.split('/'), handler }))

  return (method: string, path: string): { handler: Handler; params: Record<string, string> } | undefined => {
    const parts = path.split('/')
    for (const route of compiled) {
      if (route.method !== method || route.parts.length !== parts.length) continue
      if (!route.parts.every((part, index) => part.startsWith(':') || part === parts[index])) continue
      const pairs = route.parts.flatMap((part, index): [string, string][] =>
        part.startsWith(':') ? [[part.slice(1), decodeURIComponent(parts[index]!)]] : [],
      )
      return { handler: route.handler, params: Object.fromEntries(pairs) }
    }
    return undefined
  }
}
