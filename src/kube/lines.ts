/** A stream of bytes as lines. */

/** Larger than any object that etcd takes, escaped or not. */
const maxLineLength = 16 * 1024 * 1024

/** What a stream holds is no line of a watch. Its own words are never quoted, for they may hold secrets. */
export class MalformedLineError extends Error {
  override readonly name = 'MalformedLineError'
}

/** Yields each whole line; what follows the last line end is an unfinished line and is dropped. */
export async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of chunks) {
    const parts = decoder.decode(chunk, { stream: true }).split('\n')
    parts[0] = rest + (parts[0] ?? '')
    rest = parts.pop() ?? ''
    if (rest.length > maxLineLength)
      throw new MalformedLineError('a line of the watch is longer than any object can be')
    for (const part of parts) if (part !== '') yield part
  }
}
