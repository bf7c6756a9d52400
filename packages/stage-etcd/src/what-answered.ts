import { once } from 'node:events'
import type { Endpoint } from './endpoint.ts'
import { dial } from './dial.ts'

/** Client preface and an empty SETTINGS frame. Source: RFC 9113, section 3.4. */
const preface = Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0])])
const enoughBytes = 64
const newline = 10

/**
 * Calls an endpoint once more, where HTTP/2 failed, to tell what speaks there. node:http2 keeps what it read to
 * itself. Undefined when it does speak HTTP/2.
 * @throws KpipeError KPIPE_SOURCE_UNREACHABLE when nothing is there any more
 */
export async function whatAnswered(endpoint: Endpoint, withinMs: number, signal: AbortSignal): Promise<string | undefined> {
  const socket = await dial(endpoint, withinMs, signal)
  const pieces: Buffer[] = []
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(withinMs)])
  let silent = false
  try {
    socket.write(preface)
    socket.on('data', (bytes: Buffer) => {
      pieces.push(bytes)
      const said = Buffer.concat(pieces)
      if (said.length >= enoughBytes || said.includes(newline)) socket.destroy()
    })
    await once(socket, 'close', { signal: deadline })
  } catch {
    // Whatever ended it: what counts is what had been said until then.
    silent = deadline.aborted
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
  return describe(Buffer.concat(pieces), silent)
}

export function describe(said: Buffer, silent: boolean): string | undefined {
  if (said.length === 0) return silent ? 'the connection stands and nothing answers' : 'the connection is closed without a word'
  if (said.length >= 9 && said[3] === 4 && said.readUInt32BE(5) === 0) return undefined
  if (said[0] === 0x15 && said[1] === 3) return 'a TLS alert comes back: this port wants TLS'
  const line = said
    .toString('latin1')
    .split(/[\r\n]/, 1)[0]
    .slice(0, 60)
  if (line.startsWith('HTTP/1')) return `an HTTP/1 server answers ${JSON.stringify(line)}`
  if (/^[\x20-\x7e]{3,}$/.test(line)) return `something answers ${JSON.stringify(line)}`
  return `something answers with the bytes ${said.toString('hex', 0, 16)}`
}
