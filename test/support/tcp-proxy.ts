import { once } from 'node:events'
import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

/** A TCP proxy before a port of this machine, whose connections can be made to fall silent. */
export interface TcpProxy {
  readonly port: number
  /**
   * From now on swallows what the connections that stand carry, both ways, and closes none of them: a firewall that has
   * forgotten them. Later ones work. Returns how many there were.
   */
  silence(): number
  /** Resets the connections that were silenced. */
  reset(): void
  close(): Promise<void>
}

type Pair = readonly [client: Socket, server: Socket]

export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  const silenced = new Set<Pair>()
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1')
    const pair = [client, server] as const
    pairs.add(pair)
    client.pipe(server).pipe(client)
    for (const [one, other] of [pair, [server, client]] as const) {
      // What becomes of a connection is the affair of its two ends.
      one.on('error', () => undefined)
      one.on('close', () => {
        if (pairs.delete(pair)) other.destroy()
      })
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return {
    port: (listener.address() as AddressInfo).port,
    silence() {
      const standing = [...pairs]
      for (const pair of standing) {
        pairs.delete(pair)
        silenced.add(pair)
        for (const socket of pair) socket.unpipe().resume()
      }
      return standing.length
    },
    reset() {
      for (const [client, server] of silenced) {
        client.resetAndDestroy()
        server.destroy()
      }
      silenced.clear()
    },
    async close() {
      listener.close()
      for (const pair of [...pairs, ...silenced]) for (const socket of pair) socket.destroy()
      await once(listener, 'close')
    },
  }
}
