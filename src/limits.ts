/**
 * The numbers that whoever runs the operator meets. They stand here and nowhere else: the code counts with them, and the
 * tables and sentences of the documents are generated from them. Times are milliseconds, sizes are bytes.
 */
const seconds = 1_000
const minutes = 60 * seconds
const hours = 60 * minutes
const mebibytes = 2 ** 20

export const limits = {
  /** Accepted updates that leave the same difference, before the object is Stalled with `UpdateNotEffective`. */
  maxIneffectiveUpdates: 3,
  /** Until an update that was without effect, or that ZStack refused as wrong, is tried again unasked. */
  ineffectiveRetryMs: 1 * hours,
  /** Until an update is tried again that needs a permission, a quota or a finished task in ZStack. */
  slowRetryMs: 10 * minutes,
  /** Backoff of an object whose passes fail: doubled from the first to the last, a quarter of each wait being jitter. */
  retry: { initialMs: 1 * seconds, maxMs: 5 * minutes },
  /** Status that others go on writing is answered after waits that grow from the first to the last. */
  foreignStatusRetry: { initialMs: 1 * seconds, maxMs: 5 * minutes },
  /** No log-in and no request after refused credentials, for repeated tries can lock the account. */
  credentialsPauseMs: 30 * minutes,
  /** How often the mounted credentials are read again. */
  credentialsCheckMs: 5 * seconds,
  /** How often each Secret and ConfigMap that objects refer to is read again; at random up to a tenth sooner. */
  referenceRefreshMs: 30 * seconds,
  /** Backoff of reads of a Secret or ConfigMap that is not there, may not be read, or fails to be. */
  referenceRetry: { initialMs: 1 * seconds, maxMs: 1 * minutes },
  /** A watch on the name of a Secret or ConfigMap that the API server refused is tried again after this time. */
  referenceWatchRetryMs: 10 * minutes,
  /** Values of one object from Secrets and ConfigMaps, in total. */
  maxReferencedBytes: 1 * mebibytes,
  /** Backoff of log-ins while ZStack has no session left or ends each new one, and while the clocks differ too much. */
  sessionRetry: { initialMs: 15 * seconds, maxMs: 10 * minutes },
  /** So many sessions in a row that are lost so shortly after their log-in: another log-in of the account ends them. */
  earlySessionLosses: 2,
  earlySessionLossMs: 2 * minutes,
  /** Failures in a row, of any request and then of probes, before requests are held back. */
  failuresToOpenCircuit: 5,
  /** Or fewer, if no probe has succeeded for so long. */
  outageMs: 5 * seconds,
  /** Between the probes of a connection that is held back; at random down to half of it. */
  probe: { initialMs: 2 * seconds, maxMs: 4 * seconds },
  /** An observation is stale after so many intervals of the poll, and not before `minStaleMs`. */
  stalePolls: 3,
  minStaleMs: 5 * minutes,
  /** A query that takes longer is split in halves, if ZStack answers a small one meanwhile. */
  slowQueryMs: 2 * seconds,
  /** Services in one query of a poll. */
  queryBatchSize: 100,
  /** A job that ZStack is still at work on is given up so long after it began, unless ZStack names another time. */
  jobMs: 10 * minutes,
  /** No job is waited for longer, whatever time ZStack names for it. */
  maxJobMs: 24 * hours,
  /** A pass over one object is aborted after this time; it is longer than any request may take. */
  passMs: 2 * minutes,
  /** A pass or a request that takes longer gives its slot back, and goes on apart from the slots. */
  slotMs: 0.75 * seconds,
  /** Smaller settings count as these: what hangs leaves places to polls and to changes then, and so do queries that hang. */
  minWorkers: 4,
  minInFlight: 8,
  /** So many times the number of requests, and of passes, may go on apart; all but an eighth of them changes. */
  detachedPerSlot: 4,
  /** But not fewer: some dozens of services whose queries hang, and some namespaces whose updates hang, leave room to others. */
  minDetached: { reads: 128, others: 32 },
  detachedPerWorker: 32,
  /** A request that was held back unsent is tried again after this time, if the connection does not wake it sooner. */
  unsentRetryMs: 30 * seconds,
  /** A pod whose ZStack has not answered since its start is ready all the same after this time. */
  startOutageMs: 5 * minutes,
  /** ZSTACK_REQUEST_TIMEOUT at most: a pass whose one request hangs still has time to report it. */
  maxRequestTimeoutMs: 90 * seconds,
  /** The process ends within this time of the signal to stop, whatever hangs. */
  shutdownGraceMs: 10 * seconds,
  /** Of that, the time in which passes under way may end by themselves. */
  shutdownPassesMs: 6 * seconds,
  /** client-go's defaults. The renew deadline is shorter than the lease: this process stops before another can begin. */
  lease: { durationMs: 15 * seconds, renewDeadlineMs: 10 * seconds, retryMs: 2 * seconds },
  /** A watch that has yielded nothing for this long, not even a failure, fails the liveness probe. */
  watchSilenceMs: 5 * minutes,
  /** An event loop that was blocked for longer fails the liveness probe. */
  eventLoopBlockMs: 5 * seconds,
  /** Events for one object at once; another one is allowed after each `eventRefillMs` (client-go's spam filter). */
  eventBurst: 25,
  eventRefillMs: 5 * minutes,
  /** Entries of `status.drift`. */
  maxDriftEntries: 20,
  /** A longer answer of ZStack, or of the API server, is given up. */
  maxZStackAnswerBytes: 32 * mebibytes,
  maxApiServerAnswerBytes: 256 * mebibytes,
  /** YAML beyond any of these is compared as text (characters, tokens, aliases, levels of nesting). */
  yaml: { maxCharacters: 128 * 1024, maxTokens: 20_000, maxAliases: 100, maxDepth: 64 },
} as const

/** A time as people write it: `10 minutes`, `1 hour`, `0.5 seconds`. */
export function spellMs(ms: number): string {
  const [unit, size] =
    ms >= hours
      ? (['hour', hours] as const)
      : ms >= minutes
        ? (['minute', minutes] as const)
        : (['second', seconds] as const)
  const count = ms / size
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
