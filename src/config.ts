/** The environment as configuration: parsed once and strictly, with all that is wrong with it in one answer. */
import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { limits } from './limits.ts'
import { redacted, type Redacted } from './redacted.ts'
import { isOfService, unknownVariables } from './unknown-variables.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export type Config = {
  readonly endpoint: string
  readonly credentials:
    | { readonly kind: 'account'; readonly name: string; readonly password: Redacted }
    | { readonly kind: 'accessKey'; readonly id: string; readonly secret: Redacted }
    /** `mounted`: which Secret is there, in words, where the manifest says so. */
    | { readonly kind: 'directory'; readonly directory: string; readonly mounted: string | undefined }
  readonly ca: string | undefined
  readonly insecureSkipTlsVerify: boolean
  readonly requestBody: 'auto' | 'envelope' | 'flat'
  readonly requestTimeoutMs: number
  readonly maxInFlight: number
  readonly pollIntervalMs: number
  readonly watchNamespaces: readonly string[]
  readonly watchLabelSelector: string | undefined
  readonly maxConcurrentReconciles: number
  readonly leaderElection: boolean
  readonly leaderElectionNamespace: string | undefined
  /** Whose container this process is, where the manifest says so. */
  readonly pod: { readonly name: string; readonly uid: string } | undefined
  readonly podNamespace: string | undefined
  readonly metricsPort: number
  readonly healthPort: number
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
  readonly logFormat: 'json' | 'pretty'
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly string[] }
  /** One sentence per variable, each naming it. A warning may be the key to a problem, or about something else. */
  | { readonly ok: false; readonly problems: readonly string[]; readonly warnings: readonly string[] }

/** RFC 1123, as Kubernetes wants it. */
const namespacePattern = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/

/** What `kubectl get -l` takes: the API server would refuse anything else, again and again. */
const selectorPattern = (() => {
  const name = '[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?'
  const key = `(?:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?/)?${name}`
  // Blank space is taken in one place alone: two that share it would try every way to share it.
  const set = String.raw`\(\s*(?:${name}\s*)?(?:,\s*(?:${name}\s*)?)*\)`
  const condition = String.raw`(?:!\s*${key}|${key}(?:\s*(?:==?|!=)(?:\s*${name})?|\s+(?:not)?in\s*${set}|\s*[<>]\s*\d+)?)`
  return new RegExp(String.raw`^\s*${condition}\s*(?:,\s*${condition}\s*)*$`)
})()

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }

const duration = (min: string, max = '24h', example = '30s or 5m') =>
  z.string().transform((text, context) => {
    const match = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/.exec(text)
    const ms = Number(match?.[1]) * (units[match?.[2] ?? ''] ?? Number.NaN)
    if (ms >= millis(min) && ms <= millis(max)) return ms
    context.addIssue({ code: 'custom', message: `must be a duration such as ${example}, from ${min} to ${max}` })
    return z.NEVER
  })
const millis = (text: string) => Number.parseFloat(text) * (units[text.replace(/^[\d.]+/, '')] ?? 1)

const whole = (min: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${most}`)
    .transform(Number)
    .refine((value) => value >= min && value <= most, `must be a whole number from ${min} to ${most}`)
const flag = z.enum(['true', 'false'], 'must be true or false').transform((value) => value === 'true')
const choice = <T extends string>(...values: [T, ...T[]]) => z.enum(values, `must be one of ${values.join(', ')}`)
const text = z.string().optional()
const namespace = z.string().regex(namespacePattern, 'must be the name of a namespace')

const variables = z.object({
  ZSTACK_ENDPOINT: text,
  ZSTACK_HOST: text,
  ZSTACK_PORT: whole(1, 65535).default(8080),
  ZSTACK_ACCESS_KEY_ID: text,
  ZSTACK_ACCESS_KEY_SECRET: text,
  ZSTACK_ACCOUNT_NAME: text,
  ZSTACK_ACCOUNT_PASSWORD: text,
  ZSTACK_CREDENTIALS_DIR: text,
  ZSTACK_CREDENTIALS_SECRET: text,
  ZSTACK_CA_FILE: text,
  ZSTACK_INSECURE_SKIP_TLS_VERIFY: flag.default(false),
  ZSTACK_REQUEST_BODY: choice('auto', 'envelope', 'flat').default('auto'),
  ZSTACK_REQUEST_TIMEOUT: duration('100ms', `${limits.maxRequestTimeoutMs / 1_000}s`, '30s').default(30_000),
  ZSTACK_MAX_IN_FLIGHT: whole(1, 1000).default(16),
  POLL_INTERVAL: duration('1s').default(60_000),
  WATCH_NAMESPACES: text,
  WATCH_LABEL_SELECTOR: z
    .string()
    .regex(selectorPattern, 'must be a label selector, such as team=ml,tier in (gold,silver)')
    .optional(),
  MAX_CONCURRENT_RECONCILES: whole(1, 1000).default(32),
  LEADER_ELECTION: flag.optional(),
  LEADER_ELECTION_NAMESPACE: namespace.optional(),
  POD_NAME: text,
  POD_UID: text,
  POD_NAMESPACE: text,
  METRICS_PORT: whole(0, 65535).default(8080),
  HEALTH_PORT: whole(0, 65535).default(8081),
  LOG_LEVEL: choice('trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent').default('info'),
  LOG_FORMAT: choice('json', 'pretty').optional(),
})
type Variables = z.output<typeof variables>

/** @param isTerminal whether the log goes to a terminal, where it is written for people by default */
export function parseConfig(env: Environment, isTerminal: boolean): ConfigResult {
  // An empty variable is an unset one: manifests cannot leave one out conditionally.
  const given = Object.fromEntries(
    Object.entries(env).filter(([name, value]) => value !== undefined && value !== '' && !isOfService(name, value)),
  )
  const warnings = unknownVariables(given, Object.keys(variables.shape))
  const parsed = variables.safeParse(given)
  const problems = parsed.success ? [] : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`)
  // The rest is checked even so, so that one start reports everything that is wrong.
  const values = { ...given, ...parsed.data } as Partial<Variables>
  const endpoint = endpointOf(values, problems)
  const credentials = credentialsOf(values, problems)
  const ca = caOf(values.ZSTACK_CA_FILE, problems)
  const watchNamespaces = namespacesOf(values.WATCH_NAMESPACES, problems)
  checkPorts(values, problems)
  if (!parsed.success || problems.length > 0 || endpoint === undefined || credentials === undefined)
    return { ok: false, problems, warnings }
  const v = parsed.data
  return {
    ok: true,
    warnings,
    config: {
      endpoint,
      credentials,
      ca,
      insecureSkipTlsVerify: v.ZSTACK_INSECURE_SKIP_TLS_VERIFY,
      requestBody: v.ZSTACK_REQUEST_BODY,
      requestTimeoutMs: v.ZSTACK_REQUEST_TIMEOUT,
      maxInFlight: Math.max(v.ZSTACK_MAX_IN_FLIGHT, limits.minInFlight),
      pollIntervalMs: v.POLL_INTERVAL,
      watchNamespaces,
      watchLabelSelector: v.WATCH_LABEL_SELECTOR,
      maxConcurrentReconciles: Math.max(v.MAX_CONCURRENT_RECONCILES, limits.minWorkers),
      leaderElection: v.LEADER_ELECTION ?? env.KUBERNETES_SERVICE_HOST !== undefined,
      leaderElectionNamespace: v.LEADER_ELECTION_NAMESPACE,
      pod: v.POD_NAME !== undefined && v.POD_UID !== undefined ? { name: v.POD_NAME, uid: v.POD_UID } : undefined,
      podNamespace: v.POD_NAMESPACE,
      metricsPort: v.METRICS_PORT,
      healthPort: v.HEALTH_PORT,
      logLevel: v.LOG_LEVEL,
      logFormat: v.LOG_FORMAT ?? (isTerminal ? 'pretty' : 'json'),
    },
  }
}

function endpointOf(
  { ZSTACK_ENDPOINT: endpoint, ZSTACK_HOST: host, ZSTACK_PORT: port }: Partial<Variables>,
  problems: string[],
) {
  if (endpoint === undefined && host === undefined) {
    problems.push(
      'ZSTACK_ENDPOINT is missing; set the base URL, such as http://zstack.example.com:8080/zstack, or ZSTACK_HOST',
    )
    return undefined
  }
  if (endpoint !== undefined && host !== undefined)
    problems.push('ZSTACK_HOST is set beside ZSTACK_ENDPOINT; set one of the two')
  const name = endpoint === undefined ? 'ZSTACK_HOST' : 'ZSTACK_ENDPOINT'
  const value = endpoint ?? `http://${host ?? ''}:${port ?? 8080}/zstack`
  const url = URL.canParse(value) ? new URL(value) : undefined
  const isPlain =
    url &&
    /^https?:$/.test(url.protocol) &&
    url.username === '' &&
    url.password === '' &&
    url.search === '' &&
    url.hash === '' &&
    // A host that holds more than a host would put it into the path.
    (endpoint !== undefined || url.pathname === '/zstack')
  if (isPlain) return value.replace(/\/+$/, '')
  problems.push(
    endpoint === undefined
      ? `${name} must be a host name or address`
      : `${name} must be an http or https URL without credentials, query or fragment, such as http://zstack.example.com:8080/zstack${url?.password ? '; a password belongs into the Secret' : ''}`,
  )
  return undefined
}

/** The keys of the Secret, which are variables as well. */
const secretKeys = [
  'ZSTACK_ACCESS_KEY_ID',
  'ZSTACK_ACCESS_KEY_SECRET',
  'ZSTACK_ACCOUNT_NAME',
  'ZSTACK_ACCOUNT_PASSWORD',
] as const

const secretInWords = (name: string, namespace: string | undefined) =>
  `Secret ${name}${namespace === undefined ? '' : ` in namespace ${namespace}`}`

function credentialsOf(values: Partial<Variables>, problems: string[]): Config['credentials'] | undefined {
  const { ZSTACK_CREDENTIALS_DIR: directory, ZSTACK_ACCESS_KEY_ID: id, ZSTACK_ACCESS_KEY_SECRET: secret } = values
  const { ZSTACK_ACCOUNT_NAME: name, ZSTACK_ACCOUNT_PASSWORD: password } = values
  const { ZSTACK_CREDENTIALS_SECRET: secretName, POD_NAMESPACE: podNamespace } = values
  const mounted = secretName === undefined ? undefined : secretInWords(secretName, podNamespace)
  const misplaced = secretKeys.filter((key) => values[key] !== undefined)
  if (directory !== undefined && misplaced.length > 0) {
    problems.push(
      `${misplaced.join(', ')} ${misplaced.length === 1 ? 'stands' : 'stand'} in the environment beside ZSTACK_CREDENTIALS_DIR, where ${mounted ?? 'a Secret'} is mounted; put ${misplaced.length === 1 ? 'it' : 'them'} into that Secret, and remove ${misplaced.length === 1 ? 'it' : 'them'} from the environment and the ConfigMap`,
    )
    return undefined
  }
  const ways = [directory, id ?? secret, name ?? password].filter((way) => way !== undefined)
  if (ways.length > 1) {
    problems.push(
      'ZSTACK_CREDENTIALS_DIR, ZSTACK_ACCESS_KEY_ID and ZSTACK_ACCOUNT_NAME are three ways to authenticate; set one',
    )
    return undefined
  }
  if (directory !== undefined) return { kind: 'directory', directory, mounted }
  if (id !== undefined && secret !== undefined) return { kind: 'accessKey', id, secret: redacted(secret) }
  if (name !== undefined && password !== undefined) return { kind: 'account', name, password: redacted(password) }
  if (id !== undefined || secret !== undefined)
    problems.push(
      `${id === undefined ? 'ZSTACK_ACCESS_KEY_ID' : 'ZSTACK_ACCESS_KEY_SECRET'} is missing; an access key is an id and a secret`,
    )
  else if (name !== undefined || password !== undefined)
    problems.push(
      `${name === undefined ? 'ZSTACK_ACCOUNT_NAME' : 'ZSTACK_ACCOUNT_PASSWORD'} is missing; an account is a name and a password`,
    )
  else
    problems.push(
      'ZSTACK_ACCESS_KEY_ID and ZSTACK_ACCESS_KEY_SECRET are missing; set them, or ZSTACK_ACCOUNT_NAME and ZSTACK_ACCOUNT_PASSWORD, or ZSTACK_CREDENTIALS_DIR',
    )
  return undefined
}

function caOf(file: string | undefined, problems: string[]): string | undefined {
  if (file === undefined) return undefined
  try {
    const pem = readFileSync(file, 'utf8')
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return pem
    problems.push(`ZSTACK_CA_FILE names ${file}, which holds no PEM certificate`)
  } catch {
    problems.push(`ZSTACK_CA_FILE names ${file}, which cannot be read`)
  }
  return undefined
}

function namespacesOf(list: string | undefined, problems: string[]): readonly string[] {
  const names = (list ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
  const wrong = names.filter((name) => !namespacePattern.test(name))
  if (wrong.length > 0) problems.push(`WATCH_NAMESPACES names ${wrong.join(', ')}, which cannot be a namespace`)
  return [...new Set(names)]
}

function checkPorts({ METRICS_PORT: metrics, HEALTH_PORT: health }: Partial<Variables>, problems: string[]) {
  // They are text as given where something else is wrong.
  if (metrics !== undefined && metrics === health && String(metrics) !== '0')
    problems.push(`METRICS_PORT and HEALTH_PORT are both ${metrics}; set two different ports, or 0 for none`)
}

/** The settings in effect, under the names of their variables, without secrets. */
export function effectiveSettings(config: Config): Readonly<Record<string, string | number | boolean>> {
  const { credentials, watchNamespaces, watchLabelSelector, leaderElectionNamespace } = config
  return {
    ZSTACK_ENDPOINT: config.endpoint,
    ...settingsOf(credentials),
    ...(config.ca !== undefined && { ZSTACK_CA_FILE: 'in use' }),
    ZSTACK_INSECURE_SKIP_TLS_VERIFY: config.insecureSkipTlsVerify,
    ZSTACK_REQUEST_BODY: config.requestBody,
    ZSTACK_REQUEST_TIMEOUT: spell(config.requestTimeoutMs),
    ZSTACK_MAX_IN_FLIGHT: config.maxInFlight,
    POLL_INTERVAL: spell(config.pollIntervalMs),
    WATCH_NAMESPACES: watchNamespaces.length === 0 ? 'all' : watchNamespaces.join(','),
    ...(watchLabelSelector !== undefined && { WATCH_LABEL_SELECTOR: watchLabelSelector }),
    MAX_CONCURRENT_RECONCILES: config.maxConcurrentReconciles,
    LEADER_ELECTION: config.leaderElection,
    ...(leaderElectionNamespace !== undefined && { LEADER_ELECTION_NAMESPACE: leaderElectionNamespace }),
    METRICS_PORT: config.metricsPort,
    HEALTH_PORT: config.healthPort,
    LOG_LEVEL: config.logLevel,
    LOG_FORMAT: config.logFormat,
  }
}

function settingsOf(credentials: Config['credentials']) {
  switch (credentials.kind) {
    case 'directory':
      return { ZSTACK_CREDENTIALS_DIR: credentials.directory }
    case 'account':
      return { ZSTACK_ACCOUNT_NAME: credentials.name }
    case 'accessKey':
      return { ZSTACK_ACCESS_KEY_ID: credentials.id }
  }
}

const spell = (ms: number) => (ms % 1_000 === 0 ? `${ms / 1_000}s` : `${ms}ms`)
