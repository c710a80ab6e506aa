import type { List, Resource } from '../../src/kube/resource.ts'
import { sample, type Sample } from './sample-resource.ts'

/** One watch that was opened, from the server's side. */
export interface ScriptedStream {
  readonly version: string
  readonly timeoutSeconds: number
  /** Bytes as they are. */
  send(text: string): void
  event(type: string, object: unknown): void
  end(): void
  fail(error: Error): void
  readonly isOpen: boolean
}

export interface ScriptedResource extends Resource<Sample> {
  /** Answers to lists to come, in order; after them, and at first, an empty list of version 1. */
  readonly lists: (List<Sample> | Error)[]
  /** Refusals of watches to come, in order; after them, and at first, they open. */
  readonly refusals: Error[]
  /** The lists that were asked for, by what page. */
  readonly listed: (string | undefined)[]
  readonly streams: readonly ScriptedStream[]
  /** The last one opened. */
  stream(): ScriptedStream
}

export function listOf(version: number, objects: readonly Sample[] = [], more?: string): List<Sample> {
  return { items: objects, resourceVersion: String(version), more }
}

/** An API server that does what the test says. Like a real one it lets go of a request that is aborted. */
export function createScriptedResource(): ScriptedResource {
  const lists: (List<Sample> | Error)[] = []
  const refusals: Error[] = []
  const listed: (string | undefined)[] = []
  const streams: ScriptedStream[] = []
  return {
    lists,
    refusals,
    listed,
    streams,
    stream() {
      const last = streams.at(-1)
      if (!last) throw new Error('no watch was opened')
      return last
    },
    async list({ more }, signal) {
      signal.throwIfAborted()
      listed.push(more)
      const answer = lists.shift() ?? listOf(1)
      if (answer instanceof Error) throw answer
      return Promise.resolve(answer)
    },
    async watch(version, timeoutSeconds, signal) {
      signal.throwIfAborted()
      const refusal = refusals.shift()
      if (refusal) throw refusal
      const { stream, chunks } = openStream(version, timeoutSeconds, signal)
      streams.push(stream)
      return Promise.resolve(chunks)
    },
    writeStatus: (object) => Promise.resolve(object),
  }
}

function openStream(version: string, timeoutSeconds: number, signal: AbortSignal) {
  const { readable, writable } = new TransformStream<Buffer, Buffer>({}, { highWaterMark: 100 }, { highWaterMark: 100 })
  const writer = writable.getWriter()
  let isOpen = true
  const close = (how: Promise<void>) => {
    isOpen = false
    // Nobody reads on from a stream that was let go.
    how.catch(() => undefined)
  }
  writer.closed.catch(() => undefined)
  signal.addEventListener('abort', () => close(writer.abort(signal.reason)), { once: true })
  const send = (text: string) => void writer.write(Buffer.from(text)).catch(() => undefined)
  const stream: ScriptedStream = {
    version,
    timeoutSeconds,
    send,
    event: (type, object) => send(`${JSON.stringify({ type, object })}\n`),
    end: () => close(writer.close()),
    fail: (error) => close(writer.abort(error)),
    get isOpen() {
      return isOpen
    },
  }
  return { stream, chunks: readable }
}

/** What a server sends now and then to tell how far it is. */
export const bookmark = (version: number): Sample => sample('', { namespace: '', uid: '', version })
