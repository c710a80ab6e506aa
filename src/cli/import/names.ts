/** Names that Kubernetes takes, made from those that people gave services in ZStack. */

const maxLength = 63
const uuidLength = 8

/**
 * A name for each service, by uuid. Services whose names come to the same get a piece of the uuid, all of them, so that a
 * name does not hang on which services were imported together, or in which order.
 */
export function objectNames(
  services: readonly { readonly uuid: string; readonly name: string | undefined }[],
): ReadonlyMap<string, string> {
  const bases = services.map(({ uuid, name }) => ({ uuid, base: baseOf(name ?? '') }))
  const wanted = new Map<string, number>()
  for (const { base } of bases) wanted.set(base, (wanted.get(base) ?? 0) + 1)
  const names = new Map<string, string>()
  const taken = new Set<string>()
  // Names that nobody else wants come first: none of them is lost to one that was made up.
  const isUnique = ({ base }: { base: string }) => base !== '' && wanted.get(base) === 1
  for (const { uuid, base } of bases.filter(isUnique)) take(uuid, base)
  for (const { uuid, base } of bases.filter((one) => !isUnique(one))) {
    const short = withSuffix(base, uuid.slice(0, uuidLength))
    take(uuid, taken.has(short) ? withSuffix(base, uuid) : short)
  }
  return names

  function take(uuid: string, name: string) {
    names.set(uuid, name)
    taken.add(name)
  }
}

/** Lower-case letters, digits and dashes; empty where nothing of the name is left, as of a Chinese one. */
function baseOf(name: string): string {
  const plain = name.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
  return trim(plain.replaceAll(/[^a-z0-9]+/g, '-'))
}

function withSuffix(base: string, suffix: string): string {
  const stem = base === '' ? 'model-service' : base
  return `${trim(stem.slice(0, maxLength - suffix.length - 1))}-${suffix}`
}

/** At most as long as a label, so that the name can also stand in one. */
function trim(name: string): string {
  return name.replace(/^-+/, '').slice(0, maxLength).replace(/-+$/, '')
}
