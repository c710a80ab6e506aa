/** A plan as JSON: a stable schema, of which `src/cli/README.md` has the reference. */
import * as z from 'zod'
import { updateCauses } from '../../api/status.ts'
import { planResults, type PlannedObject } from './planned.ts'

export const planApiVersion = 'cli.ai.zstack.io/v1'

const change = z.object({
  field: z.string().describe('Field of the spec.'),
  writeOnly: z
    .boolean()
    .describe('No server shows the field: its values are not in the plan, and its effect cannot be verified.'),
  concealed: z
    .boolean()
    .optional()
    .describe('True where the values come, or came, from a Secret or ConfigMap: they are not in the plan either.'),
  live: z.json().optional().describe('What ZStack shows, as on the wire; null where it shows nothing.'),
  desired: z.json().optional().describe('What would be sent, as on the wire.'),
})

const plannedObject = z.object({
  namespace: z.string().optional().describe('Absent where the manifest names none.'),
  name: z.string().describe('Of the object in Kubernetes.'),
  source: z.string().optional().describe('File, and line where the file holds several documents.'),
  uuid: z.string().optional().describe('Of the service in ZStack, as declared.'),
  policy: z.string().optional().describe('As declared.'),
  result: z.enum(planResults).describe(`One of ${planResults.join(', ')}; the table above says what each means.`),
  cause: z.enum(updateCauses).optional().describe('Of an update.'),
  changes: z.array(change).describe('Of an update, exactly the fields that it would hold; otherwise what differs.'),
  unverifiable: z.array(z.string()).describe('Declared fields that ZStack does not show.'),
  message: z.string().optional().describe('Why, in a sentence.'),
})

export const planDocument = z.object({
  apiVersion: z.literal(planApiVersion).describe(`Always ${planApiVersion}.`),
  kind: z.literal('Plan').describe('Always Plan.'),
  endpoint: z.string().describe('The ZStack that was asked.'),
  exitCode: z.int().min(0).describe('What the command exits with.'),
  summary: z.partialRecord(z.enum(planResults), z.int().min(0)).describe('How many objects had each result.'),
  objects: z.array(plannedObject).describe('In the order of the files, or of the cluster.'),
})
export type PlanDocument = z.infer<typeof planDocument>

export function planDocumentOf(planned: readonly PlannedObject[], endpoint: string, exitCode: number): PlanDocument {
  const summary: PlanDocument['summary'] = {}
  for (const { result } of planned) summary[result] = (summary[result] ?? 0) + 1
  return {
    apiVersion: planApiVersion,
    kind: 'Plan',
    endpoint,
    exitCode,
    summary,
    objects: planned.map((object) => ({
      ...defined({ namespace: object.namespace }),
      name: object.name,
      result: object.result,
      ...defined({
        source: object.source,
        uuid: object.uuid,
        policy: object.policy,
        cause: object.cause,
        message: object.message,
      }),
      changes: object.changes.map(({ field, isWriteOnly, isConcealed, live, desired }) => ({
        field,
        writeOnly: isWriteOnly,
        ...(isConcealed && { concealed: true }),
        ...(!isWriteOnly && !isConcealed && { live: mutable(live ?? null), desired: mutable(desired) }),
      })),
      unverifiable: [...object.unverifiable],
    })),
  }
}

type JsonValue = z.infer<ReturnType<typeof z.json>>
const mutable = (value: unknown) => value as JsonValue

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }
function defined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>
}
