/** What the passes over one object remember of comparisons that take long. */
import { fields } from '../api/fields.ts'
import type { Json } from '../api/json.ts'
import type { FieldName } from '../api/modelservice.ts'
import { isEqual, type Equality } from '../decide/assess.ts'

/**
 * `isEqual` for the passes over one object. It remembers the last pair of each field whose texts can be worded
 * differently, for reading two of them as documents takes milliseconds, and every pass would do it again.
 */
export function createEquality(compare: Equality = isEqual): Equality {
  const judged = new Map<FieldName, { desired: Json; live: Json | undefined; isSame: boolean }>()
  return (field, desired, live) => {
    if (fields[field].textual !== true) return compare(field, desired, live)
    const last = judged.get(field)
    if (last?.desired === desired && last.live === live) return last.isSame
    const isSame = compare(field, desired, live)
    judged.set(field, { desired, live, isSame })
    return isSame
  }
}
