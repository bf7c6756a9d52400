import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Stands between kpipe and an etcd, and does to the bytes from etcd what a bad network does. */
export interface TcpProxy {
  /** `127.0.0.1:port` */
  readonly address: string
  /** Connections that kpipe holds open now. */
  readonly open: number
  /** Times that a byte was altered. */
  readonly flipped: number
  /** Times that a connection was cut. */
  readonly cut: number
  /** The connection that carries so many bytes more is cut there, once. */
  cutAfter(bytes: number): void
  /** From so many bytes on, nothing more is passed on; resolves when that begins. */
  holdAfter(bytes: number): Promise<void>
  /** Passes on what was held, and all that follows. */
  release(): void
  /** Alters one byte of the first place where this pattern passes. */
  flipIn(pattern: string): void
  close(): void
}

export async function tcpProxy(t: { after(done: () => void): void }, target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target)
  const clients = new Set<Socket>()
  const servers = new Set<Socket>()
  const held: (() => void)[] = []
  let [passed, limit, flipped] = [0, Infinity, 0]
  let [cutAt, cut] = [Infinity, 0]
  let pattern: string | undefined
  let onHeld = () => {}

  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname)
    for (const [sockets, own, other] of [
      [clients, client, upstream],
      [servers, upstream, client],
    ] as const) {
      sockets.add(own)
      own.on('error', () => {}) // its close is what counts
      own.on('close', () => {
        sockets.delete(own)
        other.destroySoon()
      })
    }
    client.on('data', (bytes) => upstream.write(bytes))
    let holds = false
    client.on('drain', () => holds || upstream.resume())
    upstream.on('data', (bytes: Buffer) => {
      if (passed >= limit) {
        upstream.pause()
        holds = true
        held.push(() => {
          holds = false
          client.write(bytes)
          upstream.resume()
        })
        return onHeld()
      }
      if (passed >= cutAt) {
        cutAt = Infinity
        cut += 1
        upstream.destroy()
        return void client.destroy()
      }
      const at = pattern === undefined ? -1 : bytes.indexOf(pattern)
      if (at >= 0) {
        bytes[at] ^= 1
        flipped += 1
        pattern = undefined
      }
      passed += bytes.length
      if (!client.write(bytes)) upstream.pause()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.close()
    for (const socket of [...clients, ...servers]) socket.destroy()
  }
  t.after(close)
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get open() {
      return clients.size
    },
    get flipped() {
      return flipped
    },
    get cut() {
      return cut
    },
    cutAfter(bytes) {
      cutAt = passed + bytes
    },
    holdAfter(bytes) {
      limit = passed + bytes
      return new Promise((resolve) => (onHeld = resolve))
    },
    release() {
      limit = Infinity
      for (const pass of held.splice(0)) pass()
    },
    flipIn(text) {
      pattern = text
    },
    close,
  }
}
