import { describe, expect, it } from 'vitest'
import { suspendReason, suspendUntil } from '../../src/api/names.ts'
import { suspensionMessage, suspensionOf } from '../../src/decide/suspension.ts'

const noon = Date.parse('2026-11-24T12:00:00Z')

function judged(annotations: Readonly<Record<string, string>>, spec: unknown = {}) {
  const metadata = { name: 'a', namespace: 'b', uid: 'c', resourceVersion: '1', generation: 1, creationTimestamp: '' }
  return suspensionOf({ metadata: { ...metadata, annotations }, spec }, noon)
}

describe('an object', () => {
  it.each([
    ['an end that lies ahead', '2026-11-24T12:00:01Z', 'until'],
    ['an end in another zone', '2026-11-24T13:30:00+01:00', 'until'],
    ['an end with a part of a second', '2026-11-24T12:00:00.5Z', 'until'],
    ['lower-case letters in the end', '2026-11-24t12:00:01z', 'until'],
    ['an end that is now', '2026-11-24T12:00:00Z', undefined],
    ['an end long ago', '2020-01-01T00:00:00Z', undefined],
    ['an end in another zone that is over', '2026-11-24T12:30:00+01:00', undefined],
    ['no text for an end', '', 'unreadable'],
    ['a word for an end', 'tomorrow', 'unreadable'],
    ['a date alone', '2026-11-25', 'unreadable'],
    ['no zone', '2020-01-01T00:00:00', 'unreadable'],
    ['a day that no month has', '2020-02-30T00:00:00Z', 'unreadable'],
    ['an hour that no day has', '2020-01-01T25:00:00Z', 'unreadable'],
    ['a number', '1764000000', 'unreadable'],
  ])('with %s is suspended, or not', (_, text, kind) => {
    expect(judged({ [suspendUntil]: text })?.kind).toBe(kind)
  })

  it('with suspend in its spec is suspended, whatever the annotation says', () => {
    expect(judged({ [suspendUntil]: '2020-01-01T00:00:00Z' }, { suspend: true })).toEqual({ kind: 'spec' })
  })

  it('with a reason alone is not suspended', () => {
    expect(judged({ [suspendReason]: 'maintenance' })).toBeUndefined()
  })
})

describe('the message', () => {
  it('says until when and why', () => {
    const suspension = judged({ [suspendUntil]: '2026-11-24T14:00:00+01:00', [suspendReason]: ' disk swap ' })
    expect(suspensionMessage(suspension!)).toBe(
      'suspended until 2026-11-24T13:00:00Z: ZStack is read and never written; the reason given is: disk swap',
    )
  })

  it('says of an end that cannot be read what to do, and not what stands there', () => {
    const message = suspensionMessage(judged({ [suspendUntil]: 'soon' })!)
    expect(message).toContain('correct or remove it')
    expect(message).not.toContain('soon')
  })

  it('cuts a long reason', () => {
    const message = suspensionMessage(judged({ [suspendReason]: 'x'.repeat(5000) }, { suspend: true })!)
    expect(message.length).toBeLessThan(400)
  })
})
