import { read } from 'node:fs'
import { promisify } from 'node:util'
import type { SourceFile } from '../contracts/index.ts'

/** How much of a stream a chunker and an inspector see before they decide. */
export const headBytes = 64 * 1024

/** The first bytes of a stream that lies in a file, or all of it. */
export async function readFileHead(file: SourceFile, streamBytes: number): Promise<Uint8Array> {
  const head = new Uint8Array(Math.min(headBytes, streamBytes))
  for (let filled = 0; filled < head.length;) {
    const { bytesRead } = await readAt(file.fd, head, filled, head.length - filled, filled).catch((error: Error) => {
      throw file.failed(filled, error)
    })
    if (bytesRead === 0) throw file.failed(filled)
    filled += bytesRead
  }
  return head
}

const readAt = promisify(read)
