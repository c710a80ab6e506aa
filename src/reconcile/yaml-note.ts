/** What is to be said of a `yaml` that does not parse. It is sent all the same: ZStack decides what it takes. */
import { syntaxErrorLine } from '../api/document.ts'
import type { StoredModelService } from '../api/modelservice.ts'

/** For the passes over one object: it remembers the last text, for to parse one takes milliseconds. */
export function createYamlNote(): (object: StoredModelService) => string | undefined {
  let judged: string | undefined
  let note: string | undefined
  return ({ spec }) => {
    const yaml = (spec as { yaml?: unknown } | undefined)?.yaml
    if (typeof yaml !== 'string') return undefined
    if (yaml === judged) return note
    const line = syntaxErrorLine(yaml)
    judged = yaml
    note =
      line === undefined
        ? undefined
        : `spec.yaml does not parse as YAML (line ${line}); it is sent and compared as it stands`
    return note
  }
}
