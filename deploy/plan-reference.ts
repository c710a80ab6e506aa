/** The reference of a plan as JSON, from its schema. */
import * as z from 'zod'
import { planDocument } from '../src/cli/plan/document.ts'
import { fieldTable, type Schema } from './crd-reference.ts'

export function planTable(): string {
  return fieldTable(z.toJSONSchema(planDocument) as Schema)
}
