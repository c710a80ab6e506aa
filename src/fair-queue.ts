/** What waits, in the order in which it came; its flows take turns, so that a long one does not hold up the others. */

export interface FairQueue<K, V> {
  has(flow: string, key: K): boolean
  add(flow: string, key: K, value: V): void
  /** What was added with the key. */
  delete(flow: string, key: K): V | undefined
  /** The first of the flow whose turn it is, of those that may have one now. */
  take(mayHaveTurn?: (flow: string) => boolean): readonly [key: K, value: V] | undefined
  readonly size: number
}

export function createFairQueue<K, V>(): FairQueue<K, V> {
  const flows = new Map<string, Map<K, V>>()
  let size = 0

  function remove(flow: string, items: Map<K, V>, key: K) {
    items.delete(key)
    size -= 1
    if (items.size === 0) flows.delete(flow)
  }

  return {
    has: (flow, key) => flows.get(flow)?.has(key) === true,
    add(flow, key, value) {
      const items = flows.get(flow) ?? new Map<K, V>()
      flows.set(flow, items.set(key, value))
      size += 1
    },
    delete(flow, key) {
      const items = flows.get(flow)
      const value = items?.get(key)
      if (items?.has(key) === true) remove(flow, items, key)
      return value
    },
    take(mayHaveTurn = () => true) {
      for (const [flow, items] of flows) {
        if (!mayHaveTurn(flow)) continue
        const [first] = items
        if (!first) continue
        // The flow goes to the end of the line.
        flows.delete(flow)
        flows.set(flow, items)
        remove(flow, items, first[0])
        return first
      }
      return undefined
    },
    get size() {
      return size
    },
  }
}
