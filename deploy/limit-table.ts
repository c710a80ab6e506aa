/** The numbers of src/limits.ts in sentences. A limit that has no sentence here does not compile. */
import { limits, spellMs as time } from '../src/limits.ts'
import { markdownTable } from './tables.ts'

type Limits = typeof limits

const sentences: { readonly [Name in keyof Limits]: (limit: Limits[Name]) => string } = {
  maxIneffectiveUpdates: (count) =>
    `After ${count} updates that ZStack accepts and that leave the same difference, the object is \`Stalled\` with \`UpdateNotEffective\`.`,
  ineffectiveRetryMs: (ms) =>
    `An update that had no effect, or that ZStack refused as wrong, is tried again unasked after ${time(ms)}.`,
  slowRetryMs: (ms) => `What needs a permission or a quota in ZStack is tried again every ${time(ms)}.`,
  retry: ({ initialMs, maxMs }) =>
    `An object whose passes fail is tried again after ${time(initialMs)}, then after twice that time, up to ${time(maxMs)}; up to a quarter of each wait is left out by chance. No poll shortens it.`,
  foreignStatusRetry: ({ initialMs, maxMs }) =>
    `Status that somebody else writes is looked at at once; if that goes on, after ${time(initialMs)}, later every ${time(maxMs)}.`,
  credentialsPauseMs: (ms) =>
    `After refused credentials nothing is sent until the Secret changes, or for ${time(ms)}: repeated tries can lock the account.`,
  credentialsCheckMs: (ms) => `A changed Secret is read within ${time(ms)} of its arrival in the pod.`,
  referenceRefreshMs: (ms) =>
    `Each Secret and ConfigMap that objects take values from is read again every ${time(ms)}, once for all of them.`,
  referenceRetry: ({ initialMs, maxMs }) =>
    `One that is not there, or may not be read, is looked for again after ${time(initialMs)}, later every ${time(maxMs)}; up to half of each wait is left out by chance.`,
  referenceWatchRetryMs: (ms) =>
    `Where the operator may watch it by name, a change is read at once; where it may not, that is tried again after ${time(ms)}.`,
  maxReferencedBytes: (bytes) => `An object takes at most ${mebibytes(bytes)} from Secrets and ConfigMaps.`,
  sessionRetry: ({ initialMs, maxMs }) =>
    `While ZStack has no session left, or ends each new one, or its clock differs too much for an access key, the next try is after ${time(initialMs)}, later after up to ${time(maxMs)}.`,
  earlySessionLosses: (count) =>
    `After ${count} sessions in a row that were lost early, another log-in of the account is taken to end them.`,
  earlySessionLossMs: (ms) => `A session is lost early if ZStack ends it within ${time(ms)} of its log-in.`,
  failuresToOpenCircuit: (count) =>
    `After ${count} failures in a row, of any request and then of queries about no service, requests to ZStack are held back.`,
  outageMs: (ms) => `So they are after fewer failures, if they last for ${time(ms)}.`,
  probe: ({ initialMs, maxMs }) =>
    `While they are held back, one small query at a time asks whether ZStack is back: first after up to ${time(initialMs)}, later after up to ${time(maxMs)}, and never after less than half of that.`,
  stalePolls: (count) => `An observation is stale after ${count} intervals of the poll, but see \`minStaleMs\`.`,
  minStaleMs: (ms) => `No observation is stale before ${time(ms)}.`,
  slowQueryMs: (ms) =>
    `A query that ZStack has not answered for ${time(ms)}, while it answers a small one, is split in halves, so that one service that spoils it delays no others.`,
  queryBatchSize: (count) => `One query of the poll asks for up to ${count} services.`,
  jobMs: (ms) =>
    `A job of ZStack is given up ${time(ms)} after it began, unless ZStack named another time when it took the update.`,
  maxJobMs: (ms) => `No job of ZStack is waited for longer than ${time(ms)}, whatever time ZStack names for it.`,
  passMs: (ms) => `A pass over one object is aborted after ${time(ms)}.`,
  slotMs: (ms) =>
    `A pass or a request to ZStack that takes longer than ${time(ms)} gives its place in \`MAX_CONCURRENT_RECONCILES\` or \`ZSTACK_MAX_IN_FLIGHT\` back, and goes on apart from them.`,
  minWorkers: (count) =>
    `A smaller \`MAX_CONCURRENT_RECONCILES\` counts as ${count}, so that retries that hang leave a place to polls, and both leave one to edits.`,
  minInFlight: (count) => `So does a smaller \`ZSTACK_MAX_IN_FLIGHT\`, as ${count}: half of these are for queries.`,
  detachedPerSlot: (count) =>
    `Apart from those places, up to ${count} times as many requests may go on, each to its own time limit.`,
  minDetached: ({ reads, others }) =>
    `However few these are, ${reads} queries and ${others} other requests may go on so.`,
  detachedPerWorker: (count) => `Of passes, up to ${count} times as many.`,
  unsentRetryMs: (ms) =>
    `An object whose request was held back is tried again after ${time(ms)}, or as soon as ZStack answers again.`,
  startOutageMs: (ms) =>
    `A pod that starts in an outage of ZStack, or without a free session, waits ${time(ms)} with being ready, and is ready all the same after that. It waits on while a person must correct something: credentials, a right, the address, a certificate.`,
  maxRequestTimeoutMs: (ms) =>
    `\`ZSTACK_REQUEST_TIMEOUT\` is at most ${time(ms)}, so that a pass can tell of a request that hangs before it is aborted itself.`,
  shutdownGraceMs: (ms) => `The process ends within ${time(ms)} of SIGTERM, whatever hangs.`,
  shutdownPassesMs: (ms) => `Of that time, passes under way have ${time(ms)} to end by themselves.`,
  lease: ({ durationMs, renewDeadlineMs, retryMs }) =>
    `The leader renews its lease every ${time(retryMs)} and ends if it cannot for ${time(renewDeadlineMs)}; another pod takes a lease that was not renewed for ${time(durationMs)}.`,
  watchSilenceMs: (ms) =>
    `\`/healthz\` fails when a watch has yielded nothing at all for ${time(ms)}, not even a failure.`,
  eventLoopBlockMs: (ms) => `\`/healthz\` fails when the event loop was blocked for more than ${time(ms)}.`,
  eventBurst: (count) => `One object emits up to ${count} Kubernetes events at once.`,
  eventRefillMs: (ms) => `After that it emits one more event every ${time(ms)}.`,
  maxDriftEntries: (count) => `\`status.drift\` lists up to ${count} fields.`,
  maxZStackAnswerBytes: (bytes) => `An answer of ZStack that is longer than ${mebibytes(bytes)} is given up.`,
  maxApiServerAnswerBytes: (bytes) =>
    `An answer of the API server that is longer than ${mebibytes(bytes)} is given up.`,
  yaml: ({ maxCharacters, maxTokens, maxAliases, maxDepth }) =>
    `\`yaml\` is compared as text, not by meaning, beyond ${maxCharacters} characters, ${maxTokens} tokens, ${maxAliases} aliases or ${maxDepth} levels.`,
}

const mebibytes = (bytes: number) => `${bytes / 2 ** 20} MiB`

export function limitTable(): string {
  const names = Object.keys(sentences) as (keyof Limits)[]
  return markdownTable(
    ['limit', 'what happens'],
    names.map((name) => [`\`${name}\``, (sentences[name] as (limit: unknown) => string)(limits[name])]),
  )
}
