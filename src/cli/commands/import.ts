/** `import`: manifests from what ZStack holds. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import { isUuid } from '../../api/modelservice.ts'
import { limits } from '../../limits.ts'
import { searchServices } from '../../zstack/search.ts'
import type { Service } from '../../zstack/wire.ts'
import type { CommandContext } from '../context.ts'
import { CommandError, exitCodes } from '../exit-codes.ts'
import { isImportable, manifestOf, unseenFields, type ImportedManifest } from '../import/manifest.ts'
import { objectNames } from '../import/names.ts'
import { manifestsIn, readManifests, type Manifest } from '../manifests.ts'
import { plural, printPlan } from '../plan/text.ts'
import { subjectsOf } from '../subjects.ts'
import { printable, withProgress } from '../terminal.ts'
import { addZStackOptions, openZStack, type ZStackAccess, type ZStackOptions } from '../zstack-access.ts'
import { planWithProgress } from './plan.ts'

type Options = ZStackOptions & {
  readonly all?: boolean
  readonly uuid?: readonly string[]
  readonly query?: readonly string[]
  readonly observe?: boolean
  readonly includeSystem?: boolean
  readonly namespace?: string
  readonly out?: string
  readonly overwrite?: boolean
}

export function addImport(program: Command, context: CommandContext, exit: (code: number) => void): void {
  const command = program
    .command('import')
    .summary('write manifests from what ZStack holds')
    .description(
      'Writes a manifest for each service: the fields that ZStack shows and that are not empty. Then it reads the manifests and ZStack again, and proves that the operator would send nothing for them.',
    )
    .option('--all', 'every service that the account sees, but those of ZStack itself')
    .option('--uuid <uuid...>', 'these services')
    .option('--query <condition...>', "services that meet all of ZStack's conditions, such as name~=chat%")
    .option('--observe', 'write policy: Observe into each, under which the operator never writes')
    .option('--include-system', 'with --all and --query, services of ZStack itself too')
    .option('-n, --namespace <name>', 'write this namespace into each')
    .option('--out <dir>', 'write one file for each into this directory, in place of one stream to standard output')
    .option('--overwrite', 'replace files that are there')
  addZStackOptions(command)
  command
    .addHelpText(
      'after',
      `
Exit codes: 0 all was written, and a plan of it is empty; 1 otherwise.

Examples:
  $ ${context.programName} import --all --observe --out services/
  $ ${context.programName} import --uuid 6c1a5f6167944aa1886294842075279f
  $ ${context.programName} import --query name~=chat% --query type=Endpoint -n ml`,
    )
    .action(async (options: Options) => exit(await runImport(options, context)))
}

async function runImport(options: Options, context: CommandContext): Promise<number> {
  const { all, uuid, query } = options
  if ([all === true, uuid !== undefined, query !== undefined].filter(Boolean).length !== 1)
    throw new CommandError('say which services to import: --all, --uuid UUID… or --query CONDITION…')
  const uuids = uuid?.map((text) => text.toLowerCase())
  const wrong = uuids?.filter((text) => !isUuid(text)) ?? []
  if (wrong.length > 0) throw new CommandError(printable(`${wrong.join(', ')}: a uuid is 32 hex digits without dashes`))
  const zstack = await openZStack(options, context)
  try {
    const services = await findServices(zstack, uuids, query ?? [], context)
    return await importServices(services, uuids, options, zstack, context)
  } finally {
    await zstack.close()
  }
}

async function findServices(
  { client, endpoint }: ZStackAccess,
  uuids: readonly string[] | undefined,
  query: readonly string[],
  { clock, signal, stderr }: CommandContext,
): Promise<readonly Service[]> {
  let [count, before] = [0, 0]
  const search = async (conditions: readonly string[]) => {
    const found = await searchServices(client, conditions, signal, (read) => (count = before + read))
    if (!found.ok) throw new CommandError(found.failure.message)
    before += found.value.length
    return found.value
  }
  const tell = () => `${plural(count, 'service')} read from ${endpoint}`
  return withProgress(stderr, clock, tell, async () => {
    if (!uuids) return search(query)
    const services: Service[] = []
    for (let i = 0; i < uuids.length; i += limits.queryBatchSize)
      services.push(...(await search([`uuid?=${uuids.slice(i, i + limits.queryBatchSize).join(',')}`])))
    return services
  })
}

async function importServices(
  services: readonly Service[],
  uuids: readonly string[] | undefined,
  options: Options,
  zstack: ZStackAccess,
  context: CommandContext,
): Promise<number> {
  const { err } = context
  const problem = (text: string) => err.print(`${err.paint('red', 'error:')} ${printable(text)}`)
  const shown = new Set(services.map((service) => service.uuid))
  const unknown = [...new Set(uuids)].filter((uuid) => !shown.has(uuid))
  for (const uuid of unknown) problem(`ZStack at ${zstack.endpoint} shows this account no model service ${uuid}`)
  const isSystem = ({ live }: Service) => live.system === true && !uuids && options.includeSystem !== true
  const system = services.filter(isSystem)
  const strange = services.filter((service) => !isImportable(service))
  const wanted = services.filter((service) => !isSystem(service) && isImportable(service))
  const names = objectNames(wanted.map((service) => ({ uuid: service.uuid, name: nameOf(service) })))
  const manifests = wanted
    .map((service) =>
      manifestOf(service, names.get(service.uuid) ?? service.uuid, {
        namespace: options.namespace,
        isObserved: options.observe === true,
      }),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const { out } = options
  const written =
    out === undefined ? writeStream(manifests, context) : await writeFiles(manifests, out, options, problem)
  const place = out ?? 'standard output'
  err.print(
    printable(
      `${plural(services.length, 'service')} read from ${zstack.endpoint}, ${plural(written.length, 'manifest')} written to ${place}`,
    ),
  )
  if (system.length > 0)
    err.print(
      printable(
        `passed over: ${plural(system.length, 'service')} of ZStack itself (${some(system.map(nameOrUuid))}); see --include-system`,
      ),
    )
  for (const { uuid } of strange) problem(`passed over: ${uuid} is no uuid that a ModelService can name`)
  for (const { name, passedOver } of manifests)
    for (const { field, reason } of passedOver) err.print(printable(`passed over in ${name}: ${field}: ${reason}`))
  if (written.length > 0)
    err.print(
      `ZStack does not show, so that no manifest tells: ${unseenFields.join(', ')}. Add what you want to manage of these.`,
    )
  const isProven = await prove(written, zstack, context)
  const isComplete = unknown.length + strange.length === 0 && written.length === manifests.length
  return isProven && isComplete ? exitCodes.same : exitCodes.error
}

function nameOf({ live }: Service): string | undefined {
  const name = live.values.get('name')
  return typeof name === 'string' ? name : undefined
}

const nameOrUuid = (service: Service) => nameOf(service) ?? service.uuid
const some = (names: readonly string[]) =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')

function writeStream(manifests: readonly ImportedManifest[], { stdout }: CommandContext): readonly Manifest[] {
  const text = manifests.map((manifest) => manifest.text).join('---\n')
  stdout.write(text)
  return manifestsIn('standard output', text).manifests
}

/** What was written, read again. A file that cannot be written is told, and the rest goes on. */
async function writeFiles(
  manifests: readonly ImportedManifest[],
  directory: string,
  { overwrite }: Options,
  problem: (text: string) => void,
): Promise<readonly Manifest[]> {
  try {
    await mkdir(directory, { recursive: true })
  } catch (error) {
    throw new CommandError(`${directory} cannot be made: ${reasonOf(error)}`)
  }
  const files: string[] = []
  for (const { name, text } of manifests) {
    const file = join(directory, `${name}.yaml`)
    try {
      const before = await readFile(file, 'utf8').catch(() => undefined)
      if (before !== undefined && before !== text && overwrite !== true)
        throw new Error('it is there and holds something else; --overwrite replaces it')
      if (before !== text) await writeFile(file, text)
      files.push(file)
    } catch (error) {
      problem(`${file} was not written: ${reasonOf(error)}`)
    }
  }
  return files.length === 0 ? [] : (await readManifests(files, false, () => Promise.resolve(''))).manifests
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Reads ZStack again: whatever the operator would send for the manifests is a mistake of theirs, or a change since. */
async function prove(written: readonly Manifest[], zstack: ZStackAccess, context: CommandContext): Promise<boolean> {
  const { err } = context
  if (written.length === 0) return true
  const planned = await planWithProgress(subjectsOf(written), zstack, context)
  if (planned.every(({ result }) => result === 'same')) {
    err.print(
      `${err.paint('green', 'proven:')} a plan of what was written is empty (${plural(planned.length, 'object')})`,
    )
    return true
  }
  err.print(`${err.paint('red', 'not proven:')} a plan of what was written is not empty; was ZStack changed meanwhile?`)
  printPlan(planned, err, false)
  return false
}
