import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/decide/failure.ts'
import { createCircuit } from '../../src/zstack/circuit.ts'
import type { ConnectionEvent } from '../../src/reconcile/ports.ts'
import { createManualClock } from '../support/clock.ts'

const outage: Failure = { kind: 'unavailable', message: 'ZStack does not answer', ambiguous: true }

function start(random = () => 1) {
  const clock = createManualClock()
  const changes: ConnectionEvent[] = []
  const circuit = createCircuit(clock, random, (change) => changes.push(change))
  const open = () => ['a', 'b', 'c'].forEach((target) => circuit.record(target, outage))
  return { clock, circuit, changes, open }
}

describe('circuit', () => {
  it('opens after failures of three different targets', () => {
    const { circuit, changes } = start()
    circuit.record('a', outage)
    circuit.record('b', outage)
    expect(circuit.refuse()).toBeUndefined()
    circuit.record('c', outage)
    expect(circuit.refuse()).toMatchObject({ kind: 'unavailable' })
    expect(circuit.currentFailure()).toEqual(outage)
    expect(changes).toEqual(['heldBack'])
  })

  it('refuses without ambiguity: what was not sent cannot have been carried out', () => {
    const { circuit, open } = start()
    open()
    expect(circuit.refuse()).toMatchObject({ ambiguous: false })
  })

  it('is not opened by one broken service, however often it fails', () => {
    const { circuit, changes } = start()
    for (let i = 0; i < 100; i++) circuit.record('broken', outage)
    expect(circuit.refuse()).toBeUndefined()
    expect(changes).toEqual([])
  })

  it('is not opened by failures with a success between them', () => {
    const { circuit, changes } = start()
    for (const target of ['a', 'b', 'good', 'c', 'd', 'good', 'e'])
      circuit.record(target, target === 'good' ? undefined : outage)
    expect(circuit.refuse()).toBeUndefined()
    expect(changes).toEqual([])
  })

  it('lets one request through as a trial, and no other while it is under way', async () => {
    const { circuit, changes, clock, open } = start()
    open()
    await clock.advance(500)
    expect(changes).toEqual(['heldBack', 'probe'])
    expect(circuit.refuse()).toBeUndefined()
    expect(circuit.refuse()).toMatchObject({ kind: 'unavailable' })
    expect(circuit.currentFailure()).toEqual(outage)
  })

  it('closes for all when the trial succeeds', async () => {
    const { circuit, changes, clock, open } = start()
    open()
    await clock.advance(500)
    circuit.refuse()
    circuit.record('a', undefined)
    expect([circuit.refuse(), circuit.refuse(), circuit.currentFailure()]).toEqual([undefined, undefined, undefined])
    expect(changes).toEqual(['heldBack', 'probe', 'restored'])
    expect(clock.pending).toBe(0)
  })

  it('waits longer after each trial that fails, and never longer than four seconds', async () => {
    const { circuit, clock, open } = start()
    open()
    const waits: number[] = []
    for (let i = 0; i < 6; i++) {
      const since = clock.monotonic()
      while (circuit.refuse()) await clock.advance(50)
      waits.push(clock.monotonic() - since)
      circuit.record('a', outage)
    }
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 4_000, 4_000])
  })

  it('spreads its waits, yet never below half', async () => {
    const { circuit, clock, open } = start(() => 0)
    open()
    await clock.advance(249)
    expect(circuit.refuse()).toBeDefined()
    await clock.advance(1)
    expect(circuit.refuse()).toBeUndefined()
  })

  it('offers a trial again that nobody took or that got no answer', async () => {
    const { circuit, changes, clock, open } = start()
    open()
    await clock.advance(500)
    expect(circuit.refuse()).toBeUndefined()
    await clock.advance(5_000)
    expect(changes).toEqual(['heldBack', 'probe', 'probe'])
    expect(circuit.refuse()).toBeUndefined()
  })

  it('answers that come late in an outage neither close it again and again nor shorten its waits', async () => {
    const { circuit, changes, clock, open } = start()
    open()
    for (const target of ['d', 'e', 'f']) circuit.record(target, outage)
    await clock.advance(499)
    expect(circuit.refuse()).toBeDefined()
    expect(changes).toEqual(['heldBack'])
  })

  it('leaves no timer behind once closed for good, even when a request under way fails then', () => {
    const { circuit, clock, open } = start()
    circuit.close()
    open()
    expect(clock.pending).toBe(0)
  })
})
