/** Waits for all, also where one fails: nothing goes on behind the back of what comes next. Throws the first failure. */
export async function settle(works: Promise<unknown>[]): Promise<void> {
  for (const result of await Promise.allSettled(works)) if (result.status === 'rejected') throw result.reason
}
