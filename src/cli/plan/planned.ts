/** What a plan says of one object. */
import type { FieldName } from '../../api/modelservice.ts'
import type { Json } from '../../api/json.ts'
import type { UpdateCause } from '../../api/status.ts'
import { exitCodes } from '../exit-codes.ts'

/**
 * `same`: nothing differs, nothing would be sent. `update`: one update would be sent. `left`: something differs that the
 * policy leaves. `suspended`: something differs, and is left until the suspension ends. `held`: an update of the same
 * difference was refused or without effect, and the operator sends no other yet. `refused`: the API server, or the operator,
 * takes no such object. `conflict`: an older object speaks for the service. `missing`: ZStack shows no such service.
 * `failed`: nothing is known of the service.
 */
export const planResults = [
  'same',
  'update',
  'left',
  'suspended',
  'held',
  'refused',
  'conflict',
  'missing',
  'failed',
] as const
export type PlanResult = (typeof planResults)[number]

/** One field that differs, or that would be sent. */
export type PlannedChange = {
  readonly field: FieldName
  /** No server shows it, so its values stand in no plan and its effect cannot be verified. */
  readonly isWriteOnly: boolean
  /** Its values come, or came, from a Secret or ConfigMap: they stand in no plan either. */
  readonly isConcealed: boolean
  readonly desired: Json
  /** Absent where ZStack shows no value. */
  readonly live: Json | undefined
}

export type PlannedObject = {
  readonly namespace: string | undefined
  readonly name: string
  /** The file and line it was read from; absent for an object of the cluster. */
  readonly source: string | undefined
  readonly uuid: string | undefined
  readonly policy: string | undefined
  readonly result: PlanResult
  /** Of an update, exactly the fields that it holds; of the other results, what differs. */
  readonly changes: readonly PlannedChange[]
  readonly cause: UpdateCause | undefined
  /** Declared fields that ZStack does not show. */
  readonly unverifiable: readonly FieldName[]
  /** Why, a sentence. */
  readonly message: string | undefined
}

const codeOf: Readonly<Record<PlanResult, number>> = {
  same: exitCodes.same,
  update: exitCodes.differs,
  left: exitCodes.differs,
  suspended: exitCodes.differs,
  held: exitCodes.differs,
  refused: exitCodes.invalid,
  conflict: exitCodes.invalid,
  missing: exitCodes.error,
  failed: exitCodes.error,
}

/** The exit code of a plan; `differs` stands for a difference. */
export function exitCodeOf(planned: readonly PlannedObject[], differs: number): number {
  const codes = new Set(planned.map(({ result }) => codeOf[result]))
  if (codes.has(exitCodes.error)) return exitCodes.error
  if (codes.has(exitCodes.invalid)) return exitCodes.invalid
  return codes.has(exitCodes.differs) ? differs : exitCodes.same
}
