import { describe, expect, it } from 'vitest'
import { err, ok, type Failure } from '../../src/decide/failure.ts'
import { createConnectionEventHandler } from '../../src/reconcile/connection-events.ts'
import type { ConnectionEvent } from '../../src/reconcile/ports.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock } from '../support/clock.ts'
import { connectionsTo, createFakeInventory } from '../support/inventory.ts'
import { outage } from '../support/reconciler.ts'

/** A connection with objects a, b and c, of which some wait for it. */
function start(waiting: readonly string[] = []) {
  const clock = createManualClock()
  const connections = connectionsTo(createFakeInventory({ clock }))
  const { log, entries } = createCapturedLog()
  const woken: string[] = []
  let polls = 0
  const [connection] = connections.all()
  if (!connection) throw new Error('no connection')
  const verdicts: string[] = []
  const handler = createConnectionEventHandler({
    enqueue: (key, priority) => woken.push(`${key} ${priority}`),
    keys: () => ['a', 'b', 'c'],
    waiting: () => waiting,
    pollNow: () => (polls += 1),
    onVerdict: (_, failure) => verdicts.push(failure?.message ?? 'works'),
    clock,
    log,
  })
  return {
    clock,
    entries,
    woken,
    polls: () => polls,
    tell: (event: ConnectionEvent, failure?: Failure) => {
      connections.trouble = failure
      handler.onEvent(connection, event)
    },
    checked: (failure?: Failure) => handler.onChecked(connection, failure ? err(failure) : ok(undefined)),
    verdicts,
  }
}

describe('a connection', () => {
  it('that works again wakes all who wait, and polls', () => {
    const { tell, woken, polls } = start(['b', 'a'])
    tell('heldBack', outage)
    tell('restored')
    expect(woken).toEqual(['b retry', 'a retry'])
    expect(polls()).toBe(1)
  })

  it('that is away logs so once, and a summary when it is back', async () => {
    const { tell, clock, entries } = start(['b', 'a'])
    for (let i = 0; i < 10; i++) {
      tell('heldBack', outage)
      await clock.advance(4_000)
    }
    tell('restored')
    expect(entries).toMatchObject([
      { level: 'warn', reason: 'Unreachable', msg: outage.message },
      { level: 'info', seconds: 40, waiting: 2, msg: 'ZStack answers again' },
    ])
  })

  it('whose trouble becomes another logs that too, and works again only when both are over', () => {
    const { tell, entries, woken } = start(['a'])
    tell('heldBack', outage)
    tell('restored', { kind: 'credentials', message: 'correct it' })
    expect(woken).toEqual(['a poll', 'b poll', 'c poll'])
    tell('restored')
    expect(entries.map(({ msg }) => msg)).toEqual([outage.message, 'correct it', 'ZStack answers again'])
    expect(woken.slice(3)).toEqual(['a retry'])
  })

  it('that an outage cuts off wakes nobody: no status of objects in sync changes for it', () => {
    const { tell, woken, polls } = start(['a'])
    tell('heldBack', outage)
    expect([woken, polls()]).toEqual([[], 0])
  })

  it.each(['credentials', 'clockSkew', 'sessionLimit', 'readPermission'] as const)(
    'that %s cut off wakes all: people must see what they have to correct',
    (kind) => {
      const { tell, woken } = start()
      tell('heldBack', { kind, message: 'correct it' })
      expect(woken).toEqual(['a poll', 'b poll', 'c poll'])
    },
  )

  it('that recovered before anybody looked wakes nobody', () => {
    const { tell, woken, polls, entries } = start(['a'])
    tell('heldBack')
    expect([woken, polls(), entries]).toEqual([[], 0, []])
  })
})

describe('a check of a connection', () => {
  const refused: Failure = { kind: 'credentials', message: 'correct it' }

  it('tells of a failure once, with the step and at the level of what a person must correct', () => {
    const { tell, checked, entries, verdicts } = start()
    tell('heldBack', refused)
    checked(refused)
    checked(refused)
    expect(entries).toMatchObject([
      { level: 'error', step: 'credentials', reason: 'CredentialsRejected', msg: 'correct it' },
    ])
    expect(verdicts).toEqual(['correct it'])
  })

  it('that passes is logged the first time and after trouble, and is a verdict each time', () => {
    const { checked, entries, verdicts } = start()
    checked()
    checked()
    checked(outage)
    checked()
    const works = 'ZStack answers, takes the credentials, and lets them query model services'
    expect(entries.map(({ msg }) => msg)).toEqual([works, outage.message, works])
    expect(verdicts).toEqual(['works', 'works', outage.message, 'works'])
  })
})
