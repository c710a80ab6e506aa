/** The ModelService resource: its schema, the one source of the CRD, and how a stored object is judged again. */
import * as z from 'zod'
import { bytes } from './quantity.ts'
import { status, type Status } from './status.ts'

export const policies = ['Enforce', 'ApplyChanges', 'Observe'] as const
export type Policy = (typeof policies)[number]

/** Such values are named and not checked, for versions of ZStack differ in what they take. */
const known = (values: readonly string[]) => `Known values: ${values.join(', ')}.`

const uuidPattern = /^[0-9a-f]{32}$/
/** Whether the text is a uuid as ZStack spells it. */
export const isUuid = (text: string) => uuidPattern.test(text)
const uuidAdvice = 'must be 32 lower-case hex digits without dashes, such as 6c1a5f6167944aa1886294842075279f'
const memoryAdvice =
  'must be a whole, non-negative number of bytes, or a quantity that is one, such as 16Gi (suffixes Ki Mi Gi Ti Pi, k M G T P)'

/**
 * In CEL a quantity such as 1.5Gi is no integer although it is a whole number of bytes, so its value is looked at as a
 * float; the bound, 2^53, keeps the conversion exact.
 */
const memoryRule = [
  'type(self) == int',
  '? self >= 0 && self <= 9007199254740991',
  ": isQuantity(self) && !quantity(self).isLessThan(quantity('0')) && quantity(self).isLessThan(quantity('9007199254740992'))",
  '&& double(int(quantity(self).asApproximateFloat())) == quantity(self).asApproximateFloat()',
].join(' ')

/** Less memory than this is a unit forgotten or mistyped; none at all is something that one may want. */
const minMemory = 2 ** 20
const minMemoryAdvice = 'must be 0 or at least 1Mi; a number without a unit counts bytes'
const minMemoryRule = [
  'type(self) == int',
  '? self <= 0 || self >= 1048576',
  ": !isQuantity(self) || !quantity(self).isLessThan(quantity('1Mi')) || !quantity(self).isGreaterThan(quantity('0'))",
].join(' ')
const minMemoryMessage = [
  "string(self).matches('^[0-9]+$')",
  "? string(self) + ' is ' + string(self) + ' bytes, less than 1 MiB; write ' + string(self)",
  "+ (int(string(self)) < 1024 ? 'Gi for ' + string(self) + ' GiB' : 'Mi for ' + string(self) + ' MiB')",
  ": string(self) + ' is less than 1 MiB; write a larger unit, such as 16Gi'",
].join(' ')

/** The same as the rule and its message, for objects that were stored before there was the rule. */
function isTooLittle(value: string | number): boolean {
  const count = bytes(value)
  return count !== undefined && count > 0 && count < minMemory
}

function tooLittle(value: unknown): string {
  const given = String(value)
  if (!/^\d+$/.test(given)) return `${given} is less than 1 MiB; write a larger unit, such as 16Gi`
  const unit = Number(given) < 1024 ? 'Gi' : 'Mi'
  return `${given} is ${given} bytes, less than 1 MiB; write ${given}${unit} for ${given} ${unit}B`
}

const text = (description: string) => z.string().describe(description)
/** The API server counts code points, where zod's own check would count UTF-16 units. */
const boundedText = (max: number, description: string) =>
  z
    .string()
    .refine((value) => hasAtMost(max, value), `must be at most ${max} characters`)
    .describe(description)
    .meta({ maxLength: max })
const stringMap = (description: string) => z.record(z.string(), z.string()).describe(description)
const tags = (description: string) => z.array(z.string()).describe(description)

const architectureImage = z.strictObject({
  cpuArchitecture: text(
    'CPU architecture the image is for, such as x86_64 or aarch64; compared without regard to case.',
  ),
  vmImageUuid: z
    .string()
    .regex(/^[0-9a-fA-F]{32}$/, uuidAdvice)
    .optional()
    .describe('ZStack image for virtual machines.'),
  dockerImage: boundedText(255, 'Container image.').optional(),
  name: text('Name of the image. Newer versions of ZStack only.').optional(),
  acceleratorType: text('Accelerator the image is for. Newer versions of ZStack only.').optional(),
  imageNamePattern: text('Pattern of image names. Newer versions of ZStack only.').optional(),
})
/** What a spec can say of an image; each value is a text. */
export const imageKeys = Object.keys(architectureImage.shape) as readonly (keyof typeof architectureImage.shape)[]

const managed = z.strictObject({
  name: boundedText(255, 'Name of the model service in ZStack.'),
  description: boundedText(2048, 'Description shown in ZStack.'),
  yaml: text('Service definition. Compared as parsed YAML; text that does not parse is compared as it stands.'),
  requestCpu: z.int().min(0).max(2147483647).describe('CPUs requested.'),
  requestMemory: z
    .union([z.int(), z.string()], memoryAdvice)
    .refine((value) => bytes(value) !== undefined, memoryAdvice)
    .refine((value) => !isTooLittle(value), { error: ({ input }) => tooLittle(input) })
    .describe(
      'Memory requested: bytes, or a Kubernetes quantity such as 16Gi; 0 or at least 1Mi. Compared and sent as whole bytes.',
    )
    .meta({
      'x-kubernetes-int-or-string': true,
      'x-kubernetes-validations': [
        {
          rule: memoryRule,
          message: memoryAdvice,
        },
        { rule: minMemoryRule, message: minMemoryAdvice, messageExpression: minMemoryMessage },
      ],
    }),
  gpuComputeCapability: boundedText(32, 'Minimum GPU compute capability, such as "7.5".'),
  startCommand: boundedText(1024, 'Command that starts the model service.'),
  pythonVersion: boundedText(32, 'Python version.'),
  type: boundedText(32, `Kind of model service. ${known(['Endpoint', 'FineTune', 'App', 'ModelEval'])}`),
  framework: boundedText(
    255,
    `Framework. ${known(['vLLM', 'Diffusers', 'Transformers', 'sentence_transformers', 'llama.cpp', 'Ollama', 'Other'])} llama.cpp and LlamaCpp count as one name, sentence_transformers and SentenceTransformers as another.`,
  ),
  source: boundedText(32, `Where the model service comes from. ${known(['Other', 'Bentoml', 'HuggingFace'])}`),
  containerCommand: text('Command of the container.'),
  containerArgs: text('Arguments of the container command.'),
  supportDistributed: z.boolean().describe('Whether the service can run distributed over several nodes.'),
  architectureImages: z
    .array(architectureImage)
    .max(64)
    .describe(
      'All images of the service, in any order; newer versions of ZStack take several of one architecture. Keys that are absent do not count.',
    )
    .meta({ 'x-kubernetes-list-type': 'atomic' }),
  vendorToSpecUuidsMap: z
    .record(z.string(), z.array(z.string().regex(/^[0-9a-fA-F]{32}$/, uuidAdvice)))
    .describe('GPU specifications (uuids) by vendor.'),
  environmentParameters: stringMap('Environment of the service. Write-only: ZStack does not show it.'),
  startupParameters: stringMap('Start-up parameters. Write-only: ZStack does not show them.'),
  inferenceParams: stringMap('Inference parameters. Write-only: ZStack does not show them.'),
  serviceName: text('Name of the service inside the image. Write-only.'),
  serviceLivez: text('Liveness path of the service. Write-only.'),
  serviceReadyz: text('Readiness path of the service. Write-only.'),
  serviceInstallPath: text('Install path of the service. Write-only.'),
  serviceStartCommand: text('Start command of the service. Write-only.'),
  servicePorts: z.array(z.int().min(1).max(65535)).describe('Ports of the service. Write-only.'),
  serviceBootupTime: z.int().min(0).max(2147483647).describe('Seconds the service may take to boot. Write-only.'),
  systemTags: tags('System tags. Write-only.'),
  userTags: tags('User tags. Write-only.'),
})

export const spec = z
  .strictObject({
    uuid: z
      .string()
      .refine(isUuid, uuidAdvice)
      .describe('Model service in ZStack that this object speaks for. It exists already; the uuid cannot be changed.')
      .meta({
        maxLength: 64,
        'x-kubernetes-validations': [
          { rule: "self.matches('^[0-9a-f]{32}$')", message: uuidAdvice },
          {
            rule: 'self == oldSelf',
            message: 'cannot be changed; delete this ModelService and create another (ZStack is left as it is)',
          },
        ],
      }),
    policy: z
      .enum(policies)
      .optional()
      .describe(
        'Enforce (when absent): put drift back at once. ApplyChanges: push changes of this spec, only report drift. Observe: never write.',
      ),
    suspend: z.boolean().optional().describe('Observe and report, write nothing.'),
    ...managed.partial().shape,
  })
  .describe('What ZStack shall hold. A field that is absent is not managed.')

export type Spec = z.infer<typeof spec>
/** A spec after {@link parse}, which fills in what steers the operator; the API server stores no defaults. */
export type ParsedSpec = Spec & { readonly policy: Policy; readonly suspend: boolean }
/** Every field of ZStack that a spec can declare. */
export type FieldName = keyof typeof managed.shape
export const fieldNames = Object.keys(managed.shape) as readonly FieldName[]

export const modelService = z.object({ spec, status: status.optional() })

/** A ModelService as the API server stores it: nothing below `metadata` is trusted before {@link parse}. */
export type StoredModelService = {
  readonly metadata: {
    readonly name: string
    readonly namespace: string
    readonly uid: string
    readonly resourceVersion: string
    readonly generation: number
    readonly creationTimestamp: string
    readonly deletionTimestamp?: string
    readonly annotations?: Readonly<Record<string, string>>
    readonly managedFields?: unknown
  }
  readonly spec?: unknown
  readonly status?: unknown
}

/** The connection that the operator's environment describes. */
export const defaultConnection = 'default'

/** The name of the connection that an object speaks through. */
export const connectionNameOf: (object: StoredModelService) => string = () => defaultConnection

export type Parsed =
  | { readonly ok: true; readonly spec: ParsedSpec }
  | { readonly ok: false; readonly reason: 'InvalidSpec' | 'UnknownPolicy'; readonly issues: readonly string[] }

/**
 * Judges a stored spec again: an older or newer CRD may have let through what this operator does not understand. Such
 * an object is never half-applied.
 */
export function parse(stored: StoredModelService): Parsed {
  const lossy = unkeepable(stored.spec)
  if (lossy !== undefined)
    return { ok: false, reason: 'InvalidSpec', issues: [`spec.${lossy}: a key __proto__ cannot be sent; remove it`] }
  const result = spec.safeParse(stored.spec ?? {})
  if (result.success) {
    const { policy = 'Enforce', suspend = false } = result.data
    return { ok: true, spec: { ...result.data, policy, suspend } }
  }
  const others = result.error.issues.filter((issue) => issue.path[0] !== 'policy')
  return others.length > 0
    ? { ok: false, reason: 'InvalidSpec', issues: result.error.issues.map(sentence) }
    : {
        ok: false,
        reason: 'UnknownPolicy',
        issues: [`spec.policy: this operator knows ${policies.join(', ')}; it writes nothing under any other`],
      }
}

function hasAtMost(max: number, value: string): boolean {
  // A code point has one or two units, so most texts need no counting.
  return value.length <= max || (value.length <= 2 * max && Array.from(value).length <= max)
}

function sentence(issue: z.core.$ZodIssue): string {
  const at = ['spec', ...issue.path].map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
  const where = at.join('').slice(1)
  return issue.code === 'unrecognized_keys'
    ? `${where}: this operator does not know ${issue.keys.join(', ')}; remove it or upgrade the operator`
    : `${where}: ${issue.message}`
}

/** The map that holds a key which zod passes over in silence: the rest would be sent without it. */
function unkeepable(stored: unknown): string | undefined {
  const maps = Object.entries(stored ?? {}) as [string, unknown][]
  return maps.find(([, map]) => typeof map === 'object' && map !== null && Object.hasOwn(map, '__proto__'))?.[0]
}

/**
 * The status as this operator wrote it before, or nothing where it is absent or not of our making. A status that does not
 * parse is forgotten as a whole, so a key that is added to the schema later must be optional.
 */
export function statusOf(stored: StoredModelService): Status | undefined {
  if (stored.status === undefined) return undefined
  const result = status.safeParse(stored.status)
  return result.success ? result.data : undefined
}
