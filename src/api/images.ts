/**
 * Images of a model service. ZStack keeps them in no order, adds keys of its own, and may hold several of one
 * architecture. Of a live image, only the keys count that the spec declares.
 */
import { canonical, isEmpty, isMap, type Json } from './json.ts'
import { imageKeys, type Spec } from './modelservice.ts'
import { listOf } from './row.ts'

type Image = Readonly<Record<string, Json>>

/** ZStack writes these values in lower case, whatever an update said. */
const foldedKeys: readonly string[] = ['cpuArchitecture', 'vmImageUuid'] satisfies (typeof imageKeys)[number][]

export function encodeImages(declared: NonNullable<Spec['architectureImages']>): readonly Image[] {
  return declared.map((image) => pickTexts(image, imageKeys))
}

/** The keys that ZStack adds are left out, for it makes some of them anew at every update. */
export const decodeImages = listOf((shown) => (isMap(shown) ? pickTexts(shown, imageKeys) : undefined))

/**
 * Whether every declared image has a live one to itself, and none is left over. A live image may be as two of them
 * declare: the one that took it first looks for another then (augmenting paths of a bipartite matching).
 */
export function sameImages(declared: readonly Image[], live: readonly Image[]): boolean {
  if (declared.length !== live.length) return false
  const takers = new Map<number, Image>()
  const take = (image: Image, tried: Set<number>): boolean =>
    live.some((candidate, index) => {
      if (tried.has(index) || !isAsDeclared(image, candidate)) return false
      tried.add(index)
      const taker = takers.get(index)
      if (taker && !take(taker, tried)) return false
      takers.set(index, image)
      return true
    })
  return declared.every((image) => take(image, new Set()))
}

/** The declared part of images, in an order that tells nothing: equal lists look the same. */
export function displayImages(images: readonly Image[], declared: readonly Image[]): string {
  const declaredKeys = new Set(declared.flatMap((image) => Object.keys(image)))
  const parts = images.map((image) =>
    Object.fromEntries(
      Object.entries(image)
        .filter(([key, value]) => declaredKeys.has(key) && !isEmpty(value))
        .map(([key, value]) => [key, fold(key, value)]),
    ),
  )
  return canonical(parts.toSorted((a, b) => (canonical(a) < canonical(b) ? -1 : 1)))
}

function isAsDeclared(declared: Image, live: Image): boolean {
  return Object.entries(declared).every(([key, value]) =>
    isEmpty(value) ? isEmpty(live[key]) : fold(key, value) === fold(key, live[key] ?? null),
  )
}

function fold(key: string, value: Json): Json {
  return foldedKeys.includes(key) && typeof value === 'string' ? value.toLowerCase() : value
}

function pickTexts(image: Readonly<Record<string, unknown>>, keys: readonly string[]): Image {
  const texts: Record<string, string> = {}
  for (const key of keys) {
    const value = image[key]
    if (typeof value === 'string') texts[key] = value
  }
  return texts
}
