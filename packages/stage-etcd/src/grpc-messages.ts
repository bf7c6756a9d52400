import type { Pieces } from './protobuf.ts'

/** Compressed flag (1 byte) and length (4 bytes, big endian) in front of every message. */
const prefixBytes = 5

export interface MessageSplitter {
  /**
   * Takes the bytes of one DATA frame, or of any part of one, and hands on the messages that are complete.
   * What is wrong with the bytes, or undefined; nothing may be pushed after a wrong.
   */
  push(bytes: Uint8Array): string | undefined
  /** True while a message has begun and not ended. */
  partial(): boolean
}

/**
 * Finds the messages in a gRPC stream without copying: a message is the list of the views it arrived in.
 * Source: gRPC over HTTP/2, "Length-Prefixed-Message".
 */
export function splitMessages(maxMessageBytes: number, take: (message: Pieces, bytes: number) => void): MessageSplitter {
  const prefix = Buffer.alloc(prefixBytes)
  let prefixFilled = 0
  let pieces: Uint8Array[] = []
  let missing = 0

  function wrongPrefix(): string | undefined {
    if (prefix[0] === 1) return 'a compressed message, though compression was not offered'
    if (prefix[0] !== 0) return `a message with flag ${prefix[0]}`
    missing = prefix.readUInt32BE(1)
    return missing > maxMessageBytes ? `a message of ${missing} bytes where ${maxMessageBytes} are the most` : undefined
  }

  return {
    partial: () => prefixFilled > 0,
    push(bytes) {
      let at = 0
      while (at < bytes.length) {
        if (prefixFilled < prefixBytes) {
          prefix[prefixFilled] = bytes[at]
          prefixFilled += 1
          at += 1
          if (prefixFilled < prefixBytes) continue
          const wrong = wrongPrefix()
          if (wrong !== undefined) return wrong
        } else {
          const piece = bytes.subarray(at, at + missing)
          pieces.push(piece)
          at += piece.length
          missing -= piece.length
        }
        if (missing > 0) continue
        const message = pieces
        pieces = []
        prefixFilled = 0
        take(message, prefix.readUInt32BE(1))
      }
      return undefined
    },
  }
}
