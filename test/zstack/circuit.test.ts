import { describe, expect, it } from 'vitest'
import { err, ok, type Failure, type Result } from '../../src/decide/failure.ts'
import { createCircuit } from '../../src/zstack/circuit.ts'
import type { ConnectionEvent } from '../../src/reconcile/ports.ts'
import { createManualClock } from '../support/clock.ts'
import { held } from '../support/scripted-http.ts'

const outage: Failure = { kind: 'unavailable', message: 'ZStack does not answer' }
const down = (): Promise<Result<unknown>> => Promise.resolve(err(outage))
const up = () => Promise.resolve(ok(undefined))

function start({ probe = down, random = (): number => 1 } = {}) {
  const clock = createManualClock()
  const events: ConnectionEvent[] = []
  const probes: number[] = []
  const zstack = { probe }
  const circuit = createCircuit({
    clock,
    random,
    probe: () => {
      probes.push(clock.monotonic())
      return zstack.probe()
    },
    onEvent: (event) => events.push(event),
  })
  const open = async () => {
    circuit.doubt()
    expect(await circuit.isWorking()).toBe(false)
  }
  return { clock, circuit, events, probes, zstack, open }
}

describe('circuit', () => {
  it('opens when a request failed and four probes after it, and repeats what the probe was told', async () => {
    const { circuit, events, probes, open } = start()
    await open()
    expect(probes).toHaveLength(4)
    expect([circuit.refuse(), circuit.currentFailure()]).toEqual([outage, outage])
    expect(events).toEqual(['heldBack'])
  })

  it('opens at the first probe that has failed after five seconds, so that an outage that hangs is noticed too', async () => {
    const answer = held<Result<unknown>>()
    const { clock, circuit, probes } = start({ probe: () => answer.promise })
    circuit.doubt()
    await clock.advance(30_000)
    answer.release(err(outage))
    expect(await circuit.isWorking()).toBe(false)
    expect(probes).toHaveLength(1)
  })

  it('lets everything pass while it is in doubt', () => {
    const { circuit } = start({ probe: () => held<Result<unknown>>().promise })
    circuit.doubt()
    expect([circuit.refuse(), circuit.currentFailure()]).toEqual([undefined, undefined])
  })

  it('is not opened by reads of broken services, however many fail for good', async () => {
    const { circuit, events, probes } = start({ probe: up })
    for (let i = 0; i < 100; i++) {
      circuit.doubt()
      expect(await circuit.isWorking()).toBe(true)
    }
    expect(circuit.refuse()).toBeUndefined()
    expect(events).toEqual([])
    expect(probes).toHaveLength(100)
  })

  it('sends one probe at a time, however many reads fail at once', async () => {
    const answer = held<Result<unknown>>()
    const { circuit, probes } = start({ probe: () => answer.promise })
    for (let i = 0; i < 100; i++) circuit.doubt()
    expect(probes).toHaveLength(1)
    answer.release(ok(undefined))
    expect(await circuit.isWorking()).toBe(true)
    expect(probes).toHaveLength(1)
  })

  it('is not opened by one probe that fails by chance', async () => {
    const answers = [err(outage), ok(undefined)]
    const { circuit, events } = start({ probe: () => Promise.resolve(answers.shift()!) })
    circuit.doubt()
    expect(await circuit.isWorking()).toBe(true)
    expect(events).toEqual([])
  })

  it('doubts no more once any read succeeds', async () => {
    const answer = held<Result<unknown>>()
    const { circuit, events, probes } = start({ probe: () => answer.promise })
    circuit.doubt()
    circuit.readSucceeded()
    answer.release(err(outage))
    expect(await circuit.isWorking()).toBe(true)
    expect([events, probes.length]).toEqual([[], 1])
  })

  it.each(['rejected', 'credentials', 'sessionLimit'] as const)(
    'is not opened by probes that ZStack answers with %s: it answers',
    async (kind) => {
      const { circuit } = start({ probe: () => Promise.resolve(err({ kind, message: 'no' })) })
      circuit.doubt()
      expect(await circuit.isWorking()).toBe(true)
    },
  )

  it('probes one at a time every one to four seconds while it is open, and tells nothing of it', async () => {
    for (const random of [0, 1]) {
      const { clock, probes, events, open } = start({ random: () => random })
      await open()
      await clock.advance(20_000)
      const waits = probes.slice(4).map((at, i) => at - (probes[i + 3] ?? 0))
      expect(waits.slice(0, 4)).toEqual(random === 0 ? [1_000, 2_000, 2_000, 2_000] : [2_000, 4_000, 4_000, 4_000])
      expect(events).toEqual(['heldBack'])
    }
  })

  it('sends no second probe while one hangs', async () => {
    const { clock, probes, zstack, open } = start()
    await open()
    zstack.probe = () => held<Result<unknown>>().promise
    await clock.advance(60_000)
    expect(probes).toHaveLength(5)
  })

  it('closes at the first probe that succeeds', async () => {
    const { circuit, clock, events, zstack, open } = start()
    await open()
    zstack.probe = up
    await clock.advance(2_000)
    expect([circuit.refuse(), circuit.currentFailure()]).toEqual([undefined, undefined])
    expect(events).toEqual(['heldBack', 'restored'])
    expect(clock.pending).toBe(0)
  })

  it('leaves no timer behind once closed for good, even when a probe under way fails then', async () => {
    const { circuit, clock, events } = start()
    circuit.doubt()
    circuit.close()
    await circuit.isWorking()
    expect([clock.pending, events]).toEqual([0, []])
  })

  it('outlives a probe that rejects because the connection is being closed', async () => {
    const { circuit } = start({ probe: () => Promise.reject(new Error('closed')) })
    circuit.doubt()
    expect(await circuit.isWorking()).toBe(true)
  })
})
