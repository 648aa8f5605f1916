/** Values by key, in memory, of which the least lately asked for go first. */
export interface Cache<Value> {
  /** The value, by `load` where it is not kept. Of callers at once one loads; what it throws is thrown to all, and not kept. */
  get(key: string, load: () => Promise<Value>): Promise<Value>
}

/**
 * Makes a cache that keeps values up to `capacity` together, in whatever `weigh` counts: by default one each. A value of weight 0 is not kept, nor
 * is one that is heavier than the capacity.
 */
export function createCache<Value>({
  capacity,
  weigh = () => 1,
}: {
  capacity: number
  weigh?: (value: Value) => number
}): Cache<Value> {
  // A map goes through its keys in the order of their setting, so the first is the one that has waited longest.
  const kept = new Map<string, { value: Value; weight: number }>()
  const loading = new Map<string, Promise<Value>>()
  let total = 0

  function keep(key: string, value: Value): void {
    const weight = weigh(value)
    if (weight === 0 || weight > capacity) return
    kept.set(key, { value, weight })
    total += weight
    for (const [oldest, { weight: freed }] of kept) {
      if (total <= capacity) break
      kept.delete(oldest)
      total -= freed
    }
  }

  async function loadOnce(key: string, load: () => Promise<Value>): Promise<Value> {
    try {
      const value = await load()
      keep(key, value)
      return value
    } finally {
      loading.delete(key)
    }
  }

  return {
    async get(key, load) {
      const found = kept.get(key)
      if (found) {
        kept.delete(key)
        kept.set(key, found)
        return found.value
      }
      const underWay = loading.get(key)
      if (underWay) return underWay
      const started = loadOnce(key, load)
      loading.set(key, started)
      return started
    },
  }
}
