/** The ZStack that a command asks: from the variables that the operator knows too, or from options that outrank them. */
import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { parseConfig, type Environment } from '../config.ts'
import type { Redacted } from '../redacted.ts'
import type { Inventory } from '../reconcile/ports.ts'
import { createBodyShapePreference } from '../zstack/bodyshape.ts'
import { createClient, type Client } from '../zstack/client.ts'
import { credentialsDirectory, fixedCredentials } from '../zstack/credentials.ts'
import { createHttp, type Http } from '../zstack/http.ts'
import { connectionsFor } from '../zstack/in-flight.ts'
import { createInventory } from '../zstack/inventory.ts'
import { readAll, type CommandContext } from './context.ts'
import { CommandError } from './exit-codes.ts'

export type ZStackOptions = {
  readonly endpoint?: string
  readonly account?: string
  readonly passwordFile?: string
  readonly accessKeyId?: string
  readonly accessKeySecretFile?: string
  readonly credentialsDir?: string
  readonly caFile?: string
  readonly insecureSkipTlsVerify?: boolean
  readonly requestTimeout?: string
}

export function addZStackOptions(command: Command): Command {
  return command
    .optionsGroup('ZStack (or the variables ZSTACK_ENDPOINT and so on, as the operator takes them):')
    .option('--endpoint <url>', 'base URL, such as http://zstack.example.com:8080/zstack')
    .option('--account <name>', 'account to log in with; needs --password-file')
    .option('--password-file <file>', 'file that holds the password; - is standard input')
    .option('--access-key-id <id>', 'access key to sign with; needs --access-key-secret-file')
    .option('--access-key-secret-file <file>', 'file that holds the secret of the access key; - is standard input')
    .option('--credentials-dir <dir>', 'directory with one file for each variable, as a Secret is mounted')
    .option('--ca-file <file>', 'PEM certificates to trust')
    .option('--insecure-skip-tls-verify', 'trust any certificate')
    .option('--request-timeout <duration>', 'time limit of one request, such as 30s')
    .optionsGroup('')
}

/** One ZStack with its session; `close` logs out. */
export type ZStackAccess = {
  readonly endpoint: string
  readonly http: Http
  readonly client: Client
  readonly inventory: Inventory
  /** What it logs in with, if it does. */
  readonly account: { readonly name: string; readonly password: Redacted } | undefined
  readonly usesAccessKey: boolean
  close(): Promise<void>
}

export async function openZStack(options: ZStackOptions, context: CommandContext): Promise<ZStackAccess> {
  const { clock, random, version } = context
  const parsed = parseConfig(await environmentOf(options, context), false)
  if (!parsed.ok) throw new CommandError(`the ZStack to ask is not known: ${parsed.problems.join('; ')}`)
  const { endpoint, ca, insecureSkipTlsVerify, requestTimeoutMs, maxInFlight, requestBody, credentials } = parsed.config
  const http = createHttp({
    baseUrl: endpoint,
    timeoutMs: requestTimeoutMs,
    connections: connectionsFor(maxInFlight),
    ...(ca !== undefined && { ca }),
    insecureSkipTlsVerify,
    userAgent: `modelservice-operator-cli/${version}`,
  })
  const source =
    credentials.kind === 'directory' ? credentialsDirectory(credentials.directory) : fixedCredentials(credentials)
  const nobody = () => undefined
  const client = createClient({ http, endpoint, credentials: source, maxInFlight, clock, random, onEvent: nobody })
  const inventory = createInventory(client, createBodyShapePreference(requestBody, nobody), clock, endpoint)
  const known = await source.read()
  const used = known.ok ? known.value.credentials : undefined
  return {
    ...{ endpoint, http, client, inventory },
    account: used?.kind === 'account' ? used : undefined,
    usesAccessKey: used?.kind === 'accessKey',
    close: () => client.close(),
  }
}

/** The variables about ZStack as they would have to be for what the options say; the others are the operator's own. */
async function environmentOf(options: ZStackOptions, context: CommandContext): Promise<Environment> {
  const { endpoint, account, passwordFile, accessKeyId, accessKeySecretFile, credentialsDir } = options
  const isReplaced = (name: string) =>
    (endpoint !== undefined && name === 'ZSTACK_HOST') ||
    ((account ?? accessKeyId ?? credentialsDir) !== undefined &&
      /^ZSTACK_(?:ACCESS_KEY|ACCOUNT|CREDENTIALS)_/.test(name))
  const given = Object.entries(context.env).filter(([name]) => name.startsWith('ZSTACK_') && !isReplaced(name))
  const env: Record<string, string | undefined> = Object.fromEntries(given)
  if (endpoint !== undefined) env.ZSTACK_ENDPOINT = endpoint
  if (account !== undefined) env.ZSTACK_ACCOUNT_NAME = account
  if (accessKeyId !== undefined) env.ZSTACK_ACCESS_KEY_ID = accessKeyId
  if (credentialsDir !== undefined) env.ZSTACK_CREDENTIALS_DIR = credentialsDir
  if (passwordFile !== undefined)
    env.ZSTACK_ACCOUNT_PASSWORD = await readSecret('--password-file', passwordFile, context)
  if (accessKeySecretFile !== undefined)
    env.ZSTACK_ACCESS_KEY_SECRET = await readSecret('--access-key-secret-file', accessKeySecretFile, context)
  if (options.caFile !== undefined) env.ZSTACK_CA_FILE = options.caFile
  if (options.insecureSkipTlsVerify === true) env.ZSTACK_INSECURE_SKIP_TLS_VERIFY = 'true'
  if (options.requestTimeout !== undefined) env.ZSTACK_REQUEST_TIMEOUT = options.requestTimeout
  return env
}

/** One line end at the end is not part of the secret, as in a mounted Secret. */
async function readSecret(option: string, file: string, { stdin }: CommandContext): Promise<string> {
  try {
    const text = file === '-' ? await readAll(stdin) : await readFile(file, 'utf8')
    return text.replace(/\r?\n$/, '')
  } catch {
    throw new CommandError(`${option} names ${file}, which cannot be read`)
  }
}
