import type middy from '@middy/core'
import type { z } from 'zod'

/** Middleware: the handler gets the event as the schema gives it. An event that does not fit ends the invocation with zod's error. */
export function parseEvent<Event>(schema: z.ZodType<Event>): middy.MiddlewareObj<Event> {
  return {
    before: request => {
      request.event = schema.parse(request.event)
    },
  }
}
