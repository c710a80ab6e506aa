/** Every service that meets some conditions, in pages: for people who look around. The operator asks for uuids it knows. */
import { err, ok, type Result } from '../decide/failure.ts'
import { limits } from '../limits.ts'
import { anyTurn } from '../priority.ts'
import type { Client } from './client.ts'
import { readServices, readTotal, searchPath, type Service } from './wire.ts'

const pageSize = limits.queryBatchSize

/**
 * @param conditions as ZStack takes them, such as `name~=chat%`; a service meets all of them
 * @param onPage told how many services are read so far
 */
export async function searchServices(
  client: Client,
  conditions: readonly string[],
  signal: AbortSignal,
  onPage: (count: number) => void = () => undefined,
): Promise<Result<readonly Service[]>> {
  const found = new Map<string, Service>()
  for (let start = 0; ;) {
    const path = searchPath(conditions, start, pageSize)
    const answer = await client.call({ method: 'GET', path, kind: 'query', secrets: [], turn: anyTurn }, signal)
    if (!answer.ok) return answer
    const { json } = answer.value
    const page = readServices(json)
    if (!page) return err({ kind: 'protocol', message: 'ZStack answered a query with something that is no inventory' })
    for (const service of page) found.set(service.uuid, service)
    onPage(found.size)
    start += page.length
    // A page that is not full is the last one, unless ZStack says that there are more.
    const total = readTotal(json) ?? (page.length < pageSize ? start : Infinity)
    if (start >= total) return ok([...found.values()])
    if (page.length === 0)
      return err({ kind: 'protocol', message: `ZStack says that ${total} services meet the query, and shows ${start}` })
  }
}
