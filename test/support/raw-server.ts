import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from 'node:net'

export interface RawServer extends AsyncDisposable {
  readonly port: number
  readonly url: string
}

/** A server on which a test sees each request and answers it by hand. */
export function httpServer(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<RawServer> {
  return listen(createServer(handle))
}

/** The same below HTTP: bytes in, bytes out. */
export function tcpServer(handle: (socket: Socket) => void): Promise<RawServer> {
  return listen(createTcpServer(handle))
}

async function listen(server: Server): Promise<RawServer> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/zstack`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
