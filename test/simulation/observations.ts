/** What each process has been shown of ZStack's services, and for whose requests it has looked since. */
import { type FieldName } from '../../src/api/modelservice.ts'
import { reconcileRequestedAt } from '../../src/api/names.ts'
import { fields, type Desired } from '../../src/api/fields.ts'
import { isEmpty, type Json } from '../../src/api/json.ts'
import type { HttpAnswer } from '../../src/zstack/http.ts'
import { isSame, type Values } from './services.ts'
import type { View } from './watching.ts'

type Reader = { readonly name: string; readonly view: View }

export interface Observations {
  /** The answer to a query is in the hands of a process: what was requested before is looked for now. */
  queried(reader: Reader, answer: HttpAnswer | undefined): void
  /** The answer to an update, or of its job. */
  answered(reader: Reader, answer: HttpAnswer | undefined): void
  /**
   * Declared fields that the process was last shown other than declared, with what it was shown. A field that only newer
   * servers show is another difference before the process was shown it of any service than afterwards.
   */
  differences(reader: Reader, uuid: string, desired: Desired): readonly [FieldName, Json | undefined][]
  /** The last request for an object that was followed by a look. */
  request(reader: Reader, uid: string): string | undefined
}

export function createObservations(): Observations {
  const shown = new Map<string, Values>()
  const requests = new Map<string, string | undefined>()
  const readable = new Set<string>()
  const note = ({ name }: Reader, inventory: Inventory) => {
    shown.set(`${name} ${inventory.uuid}`, valuesIn(inventory))
    for (const [field, value] of Object.entries(inventory)) if (!isEmpty(value)) readable.add(`${name} ${field}`)
  }
  const isRead = (name: string, field: FieldName) =>
    fields[field].visibility === 'shown' || readable.has(`${name} ${field}`)
  return {
    queried(reader, answer) {
      const { inventories } = bodyOf(answer)
      if (!inventories) return
      for (const inventory of inventories) note(reader, inventory)
      for (const { metadata } of reader.view.objects.values())
        requests.set(`${reader.name} ${metadata.uid}`, metadata.annotations?.[reconcileRequestedAt])
    },
    answered(reader, answer) {
      const { inventory } = bodyOf(answer)
      if (inventory) note(reader, inventory)
    },
    differences({ name }, uuid, desired) {
      const values = shown.get(`${name} ${uuid}`) ?? {}
      return [...desired]
        .filter(([field, wanted]) => fields[field].visibility !== 'hidden' && !isSame(field, wanted, values[field]))
        .map(([field]) => [field, isRead(name, field) ? values[field] : 'unread'])
    },
    request: ({ name }, uid) => requests.get(`${name} ${uid}`),
  }
}

type Inventory = { readonly uuid: string; readonly modelServiceImages?: Json } & Values
type Body = { readonly inventories?: readonly Inventory[]; readonly inventory?: Inventory }

function bodyOf(answer: HttpAnswer | undefined): Body {
  const isGiven = answer?.kind === 'answered' && answer.status === 200 && typeof answer.json === 'object'
  return isGiven ? (answer.json ?? {}) : {}
}

function valuesIn({ modelServiceImages, ...rest }: Inventory): Values {
  return modelServiceImages === undefined ? rest : { ...rest, architectureImages: modelServiceImages }
}
