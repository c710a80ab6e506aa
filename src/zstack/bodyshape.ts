/** Which of the two documented body shapes a server takes, learned from what its inventory shows after an update. */
import type { FieldName } from '../api/modelservice.ts'
import type { Live } from '../decide/assess.ts'
import { fields } from '../api/fields.ts'
import { isEmpty, type Json } from '../api/json.ts'
import type { Patch } from '../decide/plan.ts'
import { otherShape, type BodyShape } from './wire.ts'

/** What an update's effect says of the shape it was sent in. */
export type Evidence = 'taken' | 'ignored' | 'none'

/** Only a field that ZStack shows, and that was not already as sent, can prove anything. */
export function evidenceOf(patch: Patch, before: Live | undefined, after: Live | undefined): Evidence {
  if (!before || !after) return 'none'
  let evidence: Evidence = 'none'
  for (const [field, sent] of Object.entries(patch) as [FieldName, Json][]) {
    if (fields[field].visibility === 'hidden') continue
    const [was, is] = [before.values.get(field), after.values.get(field)]
    if (isEmpty(sent)) {
      // That nothing is shown may have other reasons; that the old value still is has one.
      if (was !== undefined && is !== undefined) evidence = 'ignored'
      continue
    }
    if (is === undefined && fields[field].visibility === 'newer') continue
    if (was !== undefined && fields[field].equal(sent, was)) continue
    if (is !== undefined && fields[field].equal(sent, is)) return 'taken'
    evidence = 'ignored'
  }
  return evidence
}

/** An update waits for so many others that find the shape out, then goes on its own. */
const patience = 2
/** A lesson may be false: another's update, of a former process say, showed its effect at the same moment. */
const mostIgnored = 3

export interface BodyShapes {
  /** The shape to send in, and whether it is a guess. */
  best(): { readonly shape: BodyShape; readonly certain: boolean }
  /**
   * Holds other updates back while one finds the shape out, so that a whole fleet is not sent in the wrong one; but
   * none waits for ever while others find nothing out.
   */
  learn<T>(update: () => Promise<T>): Promise<T>
  note(shape: BodyShape, evidence: Evidence): void
  /** The server said in so many words that it does not take this shape; believed even of one taken before. */
  refused(shape: BodyShape): void
}

export function createBodyShapes(setting: 'auto' | BodyShape, onLearned: (shape: BodyShape) => void): BodyShapes {
  let guess: BodyShape = setting === 'auto' ? 'envelope' : setting
  let certain = setting !== 'auto'
  let scouting: Promise<void> | undefined
  /** Updates in a row that showed no effect. */
  let ignored = 0
  const settle = (shape: BodyShape) => {
    if (certain && guess === shape) return
    guess = shape
    certain = true
    onLearned(shape)
  }
  return {
    best: () => ({ shape: guess, certain }),
    async learn(update) {
      for (let waits = 0; !certain && scouting && waits < patience; waits++) await scouting
      if (certain) return update()
      const scout = update()
      const over = scout.then(
        () => undefined,
        () => undefined,
      )
      scouting = over
      void over.then(() => {
        if (scouting === over) scouting = undefined
      })
      return scout
    },
    note(shape, evidence) {
      if (setting !== 'auto' || evidence === 'none') return
      ignored = evidence === 'ignored' ? ignored + 1 : 0
      if (certain && ignored >= mostIgnored) certain = false
      if (certain) return
      if (evidence === 'taken') settle(shape)
      else guess = otherShape(shape)
    },
    refused(shape) {
      if (setting === 'auto') settle(otherShape(shape))
    },
  }
}

/** The REST dispatcher's words for a body without the action's key (README.md in this folder, UpdateModelService). */
export const noAction = "the body doesn't contain action mapping to the URL"

export function saysNoAction(message: string): boolean {
  return message.includes(noAction)
}
