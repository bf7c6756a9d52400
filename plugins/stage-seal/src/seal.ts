import { createCipheriv, createDecipheriv, randomFillSync, timingSafeEqual } from 'node:crypto'
import type { CodecContext, CodecStage } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'

interface Settings {
  readonly algorithm: 'aes-256-gcm'
}

// Sealed bytes: salt (32) | commitment (16) | ciphertext | GCM tag (16).
const saltBytes = 32
const commitmentBytes = 16
const headBytes = saltBytes + commitmentBytes
const authTagLength = 16

/** Node's ciphers return what they made in new memory: by pieces, a frame is not held twice. */
const pieceBytes = 256 * 1024

/** Every frame has a key of its own, made from a random salt, so the nonce may be the same for all. */
const nonce = new Uint8Array(12)

/** AES-256-GCM with a fresh key per frame. The commitment fixes the key: no ciphertext opens under two keys. */
export const seal: CodecStage<Settings> = {
  kind: 'codec',
  summary: 'encrypts and authenticates frames with AES-256-GCM',
  seals: true,
  settings: {
    type: 'object',
    properties: {
      algorithm: { type: 'string', enum: ['aes-256-gcm'], default: 'aes-256-gcm', description: 'The cipher.' },
    },
    additionalProperties: false,
  },

  open({ algorithm }, context) {
    return {
      encode(bytes, shape) {
        const sealed = new Uint8Array(headBytes + bytes.length + authTagLength)
        const salt = randomFillSync(sealed.subarray(0, saltBytes))
        sealed.set(commitment(context, salt), saltBytes)
        const cipher = createCipheriv(algorithm, context.deriveKey('frame', salt), nonce, { authTagLength })
        cipher.setAAD(associatedData(context, shape.plainBytes, bytes.length))
        for (let at = 0; at < bytes.length; at += pieceBytes) {
          const ciphertext = cipher.update(bytes.subarray(at, at + pieceBytes))
          sealed.set(ciphertext, headBytes + at)
          giveBack(ciphertext)
        }
        cipher.final()
        sealed.set(cipher.getAuthTag(), headBytes + bytes.length)
        return sealed
      },

      decode(bytes, shape, decodedBytes) {
        if (bytes.length !== headBytes + decodedBytes + authTagLength) {
          throw damaged(`has ${bytes.length} bytes, which do not hold ${decodedBytes}`)
        }
        const salt = bytes.subarray(0, saltBytes)
        if (!timingSafeEqual(bytes.subarray(saltBytes, headBytes), commitment(context, salt))) {
          throw damaged('was not sealed with this key, or its head is damaged')
        }
        const decipher = createDecipheriv(algorithm, context.deriveKey('frame', salt), nonce, { authTagLength })
        decipher.setAAD(associatedData(context, shape.plainBytes, decodedBytes))
        decipher.setAuthTag(bytes.subarray(headBytes + decodedBytes))
        const opened = decipher.update(bytes.subarray(headBytes, headBytes + decodedBytes))
        try {
          decipher.final()
        } catch (cause) {
          throw damaged('does not match its authentication tag', { cause })
        }
        return opened
      },
    }
  },
}

/** Frees a buffer at once: the collector does not hurry for memory outside its heap, and a run has hundreds of these. */
function giveBack(bytes: Uint8Array): void {
  if (bytes.byteLength === bytes.buffer.byteLength) (bytes.buffer as ArrayBuffer).transfer(0)
}

function commitment(context: CodecContext, salt: Uint8Array): Uint8Array {
  return context.deriveKey('commitment', salt).subarray(0, commitmentBytes)
}

/** The context's binding, then as u32 little-endian the plain length of the frame and the length that was sealed. */
function associatedData({ binding }: CodecContext, plainBytes: number, sealedFromBytes: number): Uint8Array {
  const data = new Uint8Array(binding.length + 8)
  data.set(binding)
  const view = new DataView(data.buffer)
  view.setUint32(binding.length, plainBytes, true)
  view.setUint32(binding.length + 4, sealedFromBytes, true)
  return data
}

function damaged(seen: string, options?: { readonly cause: unknown }): KpipeError {
  return new KpipeError('KPIPE_DAMAGED', `a sealed frame ${seen}`, {}, options)
}
