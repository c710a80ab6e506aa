import { describe, expect, it } from 'vitest'
import type { Failure } from '../../src/decide/failure.ts'
import { createConnectionEventHandler } from '../../src/reconcile/connection-events.ts'
import type { ConnectionEvent } from '../../src/reconcile/ports.ts'
import { createCapturedLog } from '../support/captured-log.ts'
import { createManualClock } from '../support/clock.ts'
import { connectionsTo, createFakeInventory } from '../support/inventory.ts'
import { outage } from '../support/reconciler.ts'

function after(event: ConnectionEvent, waiting: readonly string[], trouble?: Failure) {
  const connections = connectionsTo(createFakeInventory({ clock: createManualClock() }))
  connections.trouble = trouble
  const { log, entries } = createCapturedLog()
  const woken: string[] = []
  let polls = 0
  const [connection] = connections.all()
  if (!connection) throw new Error('no connection')
  const handle = createConnectionEventHandler({
    enqueue: (key, priority) => woken.push(`${key} ${priority}`),
    keys: () => ['a', 'b', 'c'],
    waiting: () => waiting,
    pollNow: () => (polls += 1),
    log,
  })
  handle(connection, event)
  return { woken, polls, entries }
}

describe('a connection', () => {
  it('that may be tried again wakes the first of those who wait, and nobody else', () => {
    expect(after('probe', ['b', 'a'])).toMatchObject({ woken: ['b retry'], polls: 0 })
  })

  it('that may be tried again while nobody waits leaves the trial to the poll', () => {
    expect(after('probe', [])).toMatchObject({ woken: [], polls: 1 })
  })

  it('that works again wakes all who wait, polls the poll and says so', () => {
    expect(after('restored', ['b', 'a'])).toMatchObject({
      woken: ['b retry', 'a retry'],
      polls: 1,
      entries: [{ level: 'info', msg: 'ZStack answers again' }],
    })
  })

  it('that an outage cuts off wakes nobody: no status of objects in sync changes for it', () => {
    const { woken, polls, entries } = after('heldBack', ['a'], outage)
    expect({ woken, polls }).toEqual({ woken: [], polls: 0 })
    expect(entries).toMatchObject([{ level: 'warn', reason: 'Unreachable', msg: outage.message }])
  })

  it.each(['credentials', 'clockSkew', 'sessionLimit'] as const)(
    'that %s cut off wakes all: people must see what they have to correct',
    (kind) => {
      expect(after('heldBack', [], { kind, message: 'correct it' }).woken).toEqual(['a poll', 'b poll', 'c poll'])
    },
  )

  it('that recovered before anybody looked wakes nobody', () => {
    expect(after('heldBack', ['a'])).toEqual({ woken: [], polls: 0, entries: [] })
  })
})
