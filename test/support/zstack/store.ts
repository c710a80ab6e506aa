import { newUuid, wireDate, type ModelServiceInventory } from './model.ts'
import { isTagField, replacedTags, type Tag } from './tags.ts'
import { IMAGE_KEYS, isObject, isWriteOnly } from './updates.ts'

/** One stored service: what reads show, and what they never do. */
export type Stored = {
  readonly inventory: ModelServiceInventory
  readonly hidden: Record<string, unknown>
  tags: readonly Tag[]
  /** The JSON last shown: ten thousand services are polled far more often than they change. */
  shown?: { readonly hides: readonly string[]; readonly text: string }
}

/** All model services of the node, by uuid. */
export interface Store {
  readonly services: ReadonlyMap<string, Stored>
  add(service: ModelServiceInventory): void
  remove(uuid: string): boolean
  /** Sets fields by their wire names, null removing one; moves `lastOpDate`. False when there is no such service. */
  write(uuid: string, fields: Readonly<Record<string, unknown>>): boolean
}

export function createStore(): Store {
  const services = new Map<string, Stored>()
  return {
    services,
    add(service) {
      const stored: Stored = { inventory: { uuid: service.uuid, name: service.name }, hidden: {}, tags: [] }
      assign(stored, structuredClone(service))
      services.set(service.uuid, stored)
    },
    remove: (uuid) => services.delete(uuid),
    write(uuid, fields) {
      const stored = services.get(uuid)
      if (!stored) return false
      assign(stored, { lastOpDate: wireDate(Date.now()), ...structuredClone(fields) })
      delete stored.shown
      return true
    },
  }
}

/** The inventory as JSON, without the keys this server hides. */
export function showText(stored: Stored, hides: readonly string[]): string {
  if (stored.shown?.hides !== hides) stored.shown = { hides, text: JSON.stringify(showFields(stored, hides)) }
  return stored.shown.text
}

/** The inventory without the keys this server hides; with `only`, those fields alone. */
export function showFields(stored: Stored, hides: readonly string[], only?: readonly string[]): object {
  const entries = Object.entries(stored.inventory)
  return Object.fromEntries(entries.filter(([key]) => !hides.includes(key) && (only?.includes(key) ?? true)))
}

function assign(stored: Stored, fields: Readonly<Record<string, unknown>>): void {
  for (const [field, value] of Object.entries(fields)) {
    if (field === 'architectureImages') assign(stored, storedImages(stored.inventory.uuid, value))
    else if (field !== 'uuid') put(isWriteOnly(field) ? stored.hidden : stored.inventory, field, value)
    if (isTagField(field)) stored.tags = replacedTags(stored.tags, stored.inventory.uuid, field, value)
  }
}

function put(into: Record<string, unknown>, field: string, value: unknown): void {
  // Gson writes no nulls, so an absent key and a null one are the same thing to every reader.
  if (value === null || value === undefined) Reflect.deleteProperty(into, field)
  else into[field] = value
}

/** Images get keys of the server's own and folded architectures; reversed, because the server keeps no order. */
function storedImages(modelServiceUuid: string, sent: unknown): Record<string, unknown> {
  const now = wireDate(Date.now())
  const images = (Array.isArray(sent) ? sent : []).filter(isObject).map((image) => {
    const cpuArchitecture = isText(image.cpuArchitecture) ? image.cpuArchitecture.toLowerCase() : undefined
    const known = Object.fromEntries(IMAGE_KEYS.flatMap((key) => (isText(image[key]) ? [[key, image[key]]] : [])))
    return { uuid: newUuid(), modelServiceUuid, ...known, cpuArchitecture, createDate: now, lastOpDate: now }
  })
  const cpuArchitectures = [...new Set(images.flatMap((image) => image.cpuArchitecture ?? []))].sort()
  return { modelServiceImages: images.reverse(), cpuArchitectures }
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
