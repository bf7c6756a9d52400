import { createCipheriv, createDecipheriv } from 'node:crypto'
import { u32 } from '../format.ts'
import { deriveKey } from '../sealed-unit.ts'

/** Magic and format number, the associated data of all that is sealed in the file. */
export const fileStart = Buffer.concat([Buffer.from('KPIPEMEM', 'ascii'), u32(1)])
export const saltBytes = 32
/** What sealing adds to a message. */
export const sealTagBytes = 16

/** Number of a record, or the index, which is sealed once in a file. */
export type Sealed = number | 'index'

/** AES-256-GCM under a key that one file alone has. */
export interface RecordSeal {
  /** In pieces, one after the other. No number is given twice. */
  seal(what: Sealed, plain: Uint8Array): Buffer[]
  /** In own memory; undefined when it is not what was sealed under that number. */
  open(what: Sealed, sealed: Uint8Array): Buffer | undefined
}

/** @param salt 32 random bytes, of the file */
export function recordSeal(workingKey: Uint8Array, salt: Uint8Array): RecordSeal {
  const key = deriveKey(workingKey, salt, 'kpipe/1/stream memory/file')
  return {
    seal(what, plain) {
      const cipher = createCipheriv('aes-256-gcm', key, nonceOf(what), { authTagLength: sealTagBytes })
      cipher.setAAD(fileStart)
      return [cipher.update(plain), cipher.final(), cipher.getAuthTag()]
    },
    open(what, sealed) {
      if (sealed.length < sealTagBytes) return undefined
      const end = sealed.length - sealTagBytes
      const decipher = createDecipheriv('aes-256-gcm', key, nonceOf(what), { authTagLength: sealTagBytes })
      decipher.setAAD(fileStart)
      decipher.setAuthTag(sealed.subarray(end))
      const plain = decipher.update(sealed.subarray(0, end))
      try {
        decipher.final()
      } catch {
        return undefined // The only failure of final() is a tag that does not match.
      }
      return plain
    },
  }
}

/** 96 bits, little-endian: the number of a record, or the highest bit alone. */
function nonceOf(what: Sealed): Buffer {
  const nonce = Buffer.alloc(12)
  if (what === 'index') nonce[11] = 0x80
  else nonce.writeUInt32LE(what)
  return nonce
}
