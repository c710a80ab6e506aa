/** ModelServices from files, folders and standard input, read as kubectl reads them. */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import {
  LineCounter,
  parseAllDocuments,
  type Document,
  type DocumentOptions,
  type ParseOptions,
  type SchemaOptions,
} from 'yaml'
import { isMap } from '../api/json.ts'
import { group, kind } from '../api/names.ts'

export type Manifest = {
  /** File and line, for people. */
  readonly source: string
  readonly object: Readonly<Record<string, unknown>>
}

export type Manifests = {
  readonly manifests: readonly Manifest[]
  /** What could not be read, a sentence each; `isInvalid` where it was read and is no YAML. */
  readonly problems: readonly { readonly source: string; readonly message: string; readonly isInvalid: boolean }[]
  /** Objects of other kinds, such as `ConfigMap settings`, by source. */
  readonly others: readonly string[]
}

/** kubectl takes a date for a text; all else is as in YAML 1.1, where `yes` is true. */
export const kubectlYaml = {
  version: '1.1',
  customTags: (tags) => tags.filter((tag) => typeof tag === 'string' || tag.tag !== 'tag:yaml.org,2002:timestamp'),
  logLevel: 'silent',
} as const satisfies ParseOptions & DocumentOptions & SchemaOptions

type Collected = {
  readonly manifests: Manifest[]
  readonly problems: { readonly source: string; readonly message: string; readonly isInvalid: boolean }[]
  readonly others: string[]
}

/** @param readStdin what `-` stands for */
export async function readManifests(
  paths: readonly string[],
  isRecursive: boolean,
  readStdin: () => Promise<string>,
): Promise<Manifests> {
  const collected: Collected = { manifests: [], problems: [], others: [] }
  const files: string[] = []
  for (const path of paths) files.push(...(await filesAt(path, isRecursive, collected)))
  const texts = await Promise.all(files.map((file) => readText(file, readStdin)))
  for (const [index, file] of files.entries()) {
    const source = file === '-' ? 'standard input' : file
    const text = texts[index]
    if (text === undefined) collected.problems.push({ source, message: 'cannot be read', isInvalid: false })
    else readDocuments(source, text, collected)
  }
  return collected
}

/** The objects in one text, which came from `source`. */
export function manifestsIn(source: string, text: string): Manifests {
  const collected: Collected = { manifests: [], problems: [], others: [] }
  readDocuments(source, text, collected)
  return collected
}

async function readText(file: string, readStdin: () => Promise<string>): Promise<string | undefined> {
  try {
    return file === '-' ? await readStdin() : await readFile(file, 'utf8')
  } catch {
    return undefined
  }
}

async function filesAt(path: string, isRecursive: boolean, { problems }: Collected): Promise<readonly string[]> {
  if (path === '-') return [path]
  const problem = (message: string) => {
    problems.push({ source: path, message, isInvalid: false })
    return []
  }
  const stats = await stat(path).catch(() => undefined)
  if (!stats) return problem('there is no such file or directory')
  if (!stats.isDirectory()) return [path]
  const names = await readdir(path, { recursive: isRecursive })
  // kustomize reads this one, and no API server does.
  const isManifest = (name: string) => /\.(?:ya?ml|json)$/.test(name) && !/(?:^|[\\/])kustomization\.ya?ml$/.test(name)
  const files = names.filter(isManifest).sort()
  if (files.length > 0) return files.map((name) => join(path, name))
  return problem(`holds no file that ends in .yaml, .yml or .json${isRecursive ? '' : '; -R looks in its folders too'}`)
}

function readDocuments(source: string, text: string, collected: Collected): void {
  const lineCounter = new LineCounter()
  const documents = parseAllDocuments(text, { ...kubectlYaml, lineCounter, prettyErrors: false })
  const isSingle = documents.length === 1
  for (const document of documents as readonly Document.Parsed[]) {
    const { line } = lineCounter.linePos(document.contents?.range[0] ?? document.range[0])
    const at = isSingle ? source : `${source}:${line}`
    const [error] = document.errors
    if (error) {
      const { line: errorLine } = lineCounter.linePos(error.pos[0])
      collected.problems.push({
        source: `${source}:${errorLine}`,
        message: `is no YAML: ${error.message}`,
        isInvalid: true,
      })
    } else takeObject(at, valueOf(document), collected)
  }
}

function valueOf(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function takeObject(source: string, value: unknown, collected: Collected): void {
  const problem = (message: string) => void collected.problems.push({ source, message, isInvalid: true })
  if (value === null || value === undefined) return
  if (value instanceof Error) problem(`is no YAML: ${value.message}`)
  else if (!isMap(value) || typeof value.kind !== 'string' || typeof value.apiVersion !== 'string')
    problem('is no Kubernetes object: apiVersion or kind is missing')
  else if (value.kind === 'List' && Array.isArray(value.items))
    for (const [index, item] of value.items.entries()) takeObject(`${source} item ${index + 1}`, item, collected)
  else if (value.kind === kind && value.apiVersion.split('/')[0] === group)
    collected.manifests.push({ source, object: value })
  else collected.others.push(`${value.kind} ${nameOf(value)}`.trim())
}

function nameOf({ metadata }: Readonly<Record<string, unknown>>): string {
  return isMap(metadata) && typeof metadata.name === 'string' ? metadata.name : ''
}
