/** Variables of the environment that look as if they were meant for the operator, and that nothing reads. */

/** What the names of the operator's variables begin with. `POD_` is left out: manifests set many such of their own. */
const prefixes = ['ZSTACK_', 'POLL_', 'WATCH_', 'LEADER_', 'METRICS_', 'HEALTH_', 'LOG_', 'MAX_']

/** What Kubernetes adds to every container for each Service of its namespace. */
const serviceName = /_SERVICE_HOST$|_SERVICE_PORT(?:_[A-Z0-9_]+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/
const serviceUrl = /^(?:tcp|udp|sctp):\/\/\S+:\d+$/

/**
 * Whether Kubernetes set the variable for a Service, and no person. A Service that is called `zstack` brings
 * `ZSTACK_PORT=tcp://10.0.0.1:8080`, under the name of a variable of the operator.
 */
export function isOfService(name: string, value: string): boolean {
  return serviceName.test(name) || (name.endsWith('_PORT') && serviceUrl.test(value))
}

/** One sentence for each, with the name that was probably meant. */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
  known: readonly string[],
): readonly string[] {
  return Object.entries(env)
    .filter(([name, value]) => prefixes.some((prefix) => name.startsWith(prefix)) && !known.includes(name) && value)
    .filter(([name, value = '']) => !isOfService(name, value))
    .map(([name]) => {
      const meant = nearest(name, known)
      return `${name} is set, and nothing reads it${meant === undefined ? '' : `; ${meant} may be meant`}`
    })
}

/** Beyond this distance a name is not taken for another one. */
const maxDistance = 0.7

function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, distance: distance(name, candidate) }))
    .filter((one) => one.distance <= maxDistance)
    .sort((a, b) => a.distance - b.distance)
  return best?.candidate
}

/** By words, for people leave one out (`ZSTACK_TIMEOUT`) as easily as they mistype one (`POLL_INTERVALL`). */
function distance(name: string, candidate: string): number {
  const words = name.split('_')
  const others = candidate.split('_')
  const mistyped = words.map((word) => Math.min(...others.map((other) => edits(word, other) / word.length)))
  const leftOut = others.filter((other) => !words.some((word) => edits(word, other) <= other.length / 2)).length
  return mistyped.reduce((sum, one) => sum + one, 0) + leftOut / 5
}

/** Characters to insert, delete or replace (Levenshtein). */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
