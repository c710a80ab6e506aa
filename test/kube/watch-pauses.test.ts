import { describe, expect, it } from 'vitest'
import { ApiError } from '../../src/kube/cluster.ts'
import { followWatch } from '../support/followed-watch.ts'
import type { ScriptedResource } from '../support/scripted-resource.ts'

type Followed = Awaited<ReturnType<typeof followWatch>>

/** How long it waits before it asks again, for as many times as given. */
async function pausesOf({ clock, server }: Followed, times: number): Promise<number[]> {
  const asked = () => server.listed.length + server.streams.length + spent(server)
  const pauses: number[] = []
  for (let time = 0; time < times; time += 1) {
    const [before, started] = [asked(), clock.monotonic()]
    while (asked() === before) await clock.advance(25)
    pauses.push(clock.monotonic() - started)
  }
  return pauses
}

const refusedTimes = 1_000
const spent = ({ refusals }: ScriptedResource) => refusedTimes - refusals.length
const always = (error: Error) => Array.from({ length: refusedTimes }, () => error)
const gone = () => new ApiError(410, 'too old')

describe('pauses', () => {
  it.each<[string, Error, number[]]>([
    ['no answer', new ApiError(0, 'ECONNREFUSED'), [50, 100, 150, 150]],
    ['an overloaded server', new ApiError(503, 'busy'), [100, 200, 400, 800, 1_600, 2_000, 2_000]],
    ['too many requests', new ApiError(429, 'busy'), [100, 200, 400]],
    ['a refusal', new ApiError(403, 'no'), [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]],
    ['something else', new Error('odd'), [100, 200, 400, 800, 1_600, 2_000, 2_000]],
  ])('grow after %s', async (_, error, pauses) => {
    const followed = await followWatch(({ refusals }) => refusals.push(...always(error)))
    expect(await pausesOf(followed, pauses.length)).toEqual(pauses)
  })

  it.each([
    ['as long as the server asks', 5_000, 5_000],
    ['not longer than half a minute, whatever it asks', 3_600_000, 30_000],
    ['not shorter than without its word', 1, 100],
  ])('last %s', async (_, retryAfterMs, pause) => {
    const followed = await followWatch(({ refusals }) =>
      refusals.push(...always(new ApiError(429, 'busy', { retryAfterMs }))),
    )
    expect(await pausesOf(followed, 1)).toEqual([pause])
  })

  it('begin anew with another sort of trouble, however long the one before it lasted', async () => {
    const outage = Array.from({ length: 100 }, () => new ApiError(0, 'ECONNREFUSED'))
    const followed = await followWatch(({ refusals }) =>
      refusals.push(...outage, ...always(new ApiError(404, 'not yet'))),
    )
    const pauses = await pausesOf(followed, 102)
    expect(pauses.slice(98)).toEqual([150, 150, 250, 500])
  })

  it.each([
    [503, 'the request has been made before all known HTTP paths have been installed, please try again', 5_000],
    [429, 'storage is (re)initializing', 1_000],
  ])('are short for a server that starts, which answers %i', async (status, message, retryAfterMs) => {
    const starting = new ApiError(status, message, { retryAfterMs })
    const followed = await followWatch(({ refusals }) => refusals.push(...always(starting)))
    expect(await pausesOf(followed, 2)).toEqual([50, 100])
  })

  it('grow when streams end as soon as they begin', async () => {
    const followed = await followWatch()
    const pauses: number[] = []
    for (let time = 0; time < 6; time += 1) {
      followed.server.stream().end()
      await followed.clock.advance(0)
      pauses.push(...(await pausesOf(followed, 1)))
    }
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 2_000])
    expect(followed.events.at(-1)).toMatch(/^broken: .* as soon as it began/)
  })

  it('grow when every new list is too old to watch from', async () => {
    const followed = await followWatch(({ refusals }) => refusals.push(...always(gone())))
    const lists: number[] = []
    for (let time = 0; time < 4; time += 1) {
      const [before, started] = [followed.server.listed.length, followed.clock.monotonic()]
      while (followed.server.listed.length === before) await followed.clock.advance(25)
      lists.push(followed.clock.monotonic() - started)
    }
    expect(lists).toEqual([25, 50, 100, 200])
  })

  it('grow when every stream holds a line that cannot be understood', async () => {
    const followed = await followWatch()
    const pauses: number[] = []
    for (let time = 0; time < 4; time += 1) {
      followed.server.stream().send('no JSON\n')
      await followed.clock.advance(0)
      pauses.push(...(await pausesOf(followed, 1)))
    }
    expect(pauses).toEqual([25, 50, 100, 200])
  })

  it('are short again after a stream that lived', async () => {
    const followed = await followWatch(({ refusals }) =>
      refusals.push(...always(new ApiError(503, 'busy')).slice(0, 6)),
    )
    await followed.clock.advance(20_000)
    expect(followed.server.refusals).toHaveLength(0)
    followed.server.stream().fail(new Error('cut'))
    await followed.clock.advance(99)
    expect(followed.server.streams).toHaveLength(1)
    await followed.clock.advance(1)
    expect(followed.server.streams).toHaveLength(2)
  })
})
