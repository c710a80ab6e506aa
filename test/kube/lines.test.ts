import { describe, expect, it } from 'vitest'
import { lines } from '../../src/kube/lines.ts'

async function* chunksOf(...parts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    await Promise.resolve()
    yield typeof part === 'string' ? Buffer.from(part) : part
  }
}

async function read(chunks: AsyncIterable<Uint8Array>): Promise<string[]> {
  const all: string[] = []
  for await (const line of lines(chunks)) all.push(line)
  return all
}

const linesOf = (...parts: readonly (string | Uint8Array)[]) => read(chunksOf(...parts))

describe('lines', () => {
  it.each([
    ['one in a chunk', ['{"a":1}\n'], ['{"a":1}']],
    ['several in a chunk', ['a\nb\nc\n'], ['a', 'b', 'c']],
    ['one over several chunks', ['a', 'b', 'c\n'], ['abc']],
    ['ends at the edge of chunks', ['a', '\n', 'b\n'], ['a', 'b']],
    ['empty ones are passed over', ['\n\na\n\n'], ['a']],
    ['an unfinished one is dropped', ['a\nb'], ['a']],
    ['an empty stream has none', [], []],
  ])('%s', async (_, parts, expected) => {
    expect(await linesOf(...parts)).toEqual(expected)
  })

  it('a letter cut in two between chunks stays whole', async () => {
    const bytes = Buffer.from('größe ☃\n')
    const cuts = Array.from(bytes, (_, at) => [bytes.subarray(0, at), bytes.subarray(at)] as const)
    for (const [head, tail] of cuts) expect(await linesOf(head, tail)).toEqual(['größe ☃'])
  })

  it('one larger than any object ends the reading instead of filling the memory', async () => {
    const mebibyte = 'x'.repeat(2 ** 20)
    let asked = 0
    async function* endless() {
      for (;;) {
        asked += 1
        await Promise.resolve()
        yield Buffer.from(mebibyte)
      }
    }
    await expect(read(endless())).rejects.toThrow('longer than any object')
    expect(asked).toBe(17)
  })

  it('the stream is let go when the reader stops', async () => {
    let isClosed = false
    async function* open() {
      try {
        for (;;) {
          await Promise.resolve()
          yield Buffer.from('a\n')
        }
      } finally {
        isClosed = true
      }
    }
    for await (const line of lines(open())) if (line === 'a') break
    expect(isClosed).toBe(true)
  })
})
