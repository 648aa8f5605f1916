/** Keeps the values used last, up to `size` of them. For values that never change. */
export function createCache<V>(size: number) {
  const values = new Map<string, V>()
  return (key: string, load: () => V): V => {
    let value = values.get(key)
    if (value === undefined) value = load()
    else values.delete(key)
    values.set(key, value)
    if (values.size > size) values.delete(values.keys().next().value!)
    return value
  }
}
