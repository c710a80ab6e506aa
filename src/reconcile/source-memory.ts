/** What the passes over one object remember of its values from Secrets and ConfigMaps. */
import { isDeepStrictEqual } from 'node:util'
import { textsIn, type Json } from '../api/json.ts'
import type { FieldName } from '../api/modelservice.ts'
import { hashesOf, type Hashes } from '../decide/assess.ts'
import type { Declaration } from '../decide/resolve.ts'

/**
 * A Secret that is written anew with the same data has another resourceVersion, and so its values have another hash.
 * Whoever saw both knows that they are the same, and need not send them again.
 */
export interface SourceMemory {
  /** Takes note of what a pass begins with. */
  note(declaration: Declaration, owner: string): void
  /** The hashes, with those of values that are the same now in the place of those from before. */
  renew(hashes: Hashes): Hashes
  /** All texts from elsewhere, those that the last change replaced among them: ZStack may still hold and repeat them. */
  texts(): readonly string[]
}

type Known = {
  readonly value: Json
  /** Every hash that this value has had, the present one last. */
  readonly hashes: readonly string[]
  readonly replaced: Json | undefined
}

/** So many hashes of one value are remembered. */
const maxHashes = 8

/** One for all objects that refer to nothing. */
const nothing: ReadonlyMap<FieldName, Known> = new Map()

export function createSourceMemory(): SourceMemory {
  let known = nothing

  return {
    note({ desired, sources }, owner) {
      if (sources.size === 0 && known.size === 0) return
      const declared = hashesOf(desired, sources, owner)
      known = new Map(
        [...sources.keys()].map((field) => {
          const before = known.get(field)
          const [value = null, hash = ''] = [desired.get(field), declared[field]]
          if (!before || !isDeepStrictEqual(before.value, value))
            return [field, { value, hashes: [hash], replaced: before?.value }]
          const hashes = [...before.hashes.filter((one) => one !== hash), hash].slice(-maxHashes)
          return [field, { ...before, hashes }]
        }),
      )
    },
    renew(hashes) {
      if (known.size === 0) return hashes
      const renewed = [...known].flatMap(([field, { hashes: same }]) => {
        const hash = hashes[field]
        return hash !== undefined && same.includes(hash) ? [[field, same.at(-1)]] : []
      })
      return { ...hashes, ...(Object.fromEntries(renewed) as Hashes) }
    },
    texts: () => [...known.values()].flatMap(({ value, replaced }) => [...textsIn(value), ...textsIn(replaced)]),
  }
}
