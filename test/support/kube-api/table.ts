import { age } from './age.ts'
import type { Json, JsonObject } from '../../../src/cli/validation/json.ts'
import type { Kind } from './kinds.ts'
import type { KubeObject } from './object.ts'

/** One printer column after NAME. Its cell is null where there is nothing to show. */
export type Column = {
  readonly name: string
  readonly type: string
  readonly format?: string
  readonly description: string
  /** Columns above 0 show with `-o wide` only. */
  readonly priority: number
  readonly cell: (object: KubeObject) => Json
}

export type IncludeObject = 'None' | 'Metadata' | 'Object'

const NAME_COLUMN = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
}

export const AGE_COLUMN: Column = {
  name: 'Age',
  type: 'date',
  description: 'Time since the object was created.',
  priority: 0,
  cell: (object) => age(object.metadata.creationTimestamp),
}

export type TableOptions = {
  readonly include: IncludeObject
  /** False for all but the first event of a watch: the client remembers the columns. */
  readonly columns: boolean
}

/** The rows as the server renders them: a client prints the cells as they are. */
export function tableOf(
  kind: Kind,
  objects: readonly KubeObject[],
  metadata: JsonObject,
  options: TableOptions,
): JsonObject {
  const named = kind.columns.some((column) => column.name === 'Name')
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: options.columns ? definitionsOf(kind, named) : null,
    rows: objects.map((object) => ({
      cells: [...(named ? [] : [object.metadata.name ?? '']), ...kind.columns.map((column) => column.cell(object))],
      object: options.include === 'None' ? null : options.include === 'Object' ? object : partialOf(object),
    })),
  }
}

function definitionsOf(kind: Kind, named: boolean): JsonObject[] {
  const own = kind.columns.map(({ name, type, format = '', description, priority }) => ({
    name,
    type,
    format,
    description,
    priority,
  }))
  return named ? own : [NAME_COLUMN, ...own]
}

export function partialOf(object: KubeObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata }
}
