import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto'
import { giveBack } from './give-back.ts'

/** salt 32 | commitment 16 | ciphertext | GCM tag 16. */
export const unitOverheadBytes = 64
const saltBytes = 32
const commitmentBytes = 16
const tagBytes = 16
const nonce = Buffer.alloc(12)
const infoStart = Buffer.from('kpipe/1/unit\0', 'utf8')

/** HKDF-SHA256 to 32 bytes. */
export function deriveKey(secret: Uint8Array, salt: Uint8Array, info: string | Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32))
}

/**
 * Seals one message under a key that nothing else uses: derived from the working key, a random salt and the header.
 * @param header at most 1,000 bytes; bound as associated data and in the key
 */
export function sealUnit(
  workingKey: Uint8Array,
  header: Uint8Array,
  plain: readonly Uint8Array[],
  salt: Uint8Array = randomBytes(saltBytes),
): Buffer {
  const { key, commitment } = unitKeys(workingKey, salt, header)
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  cipher.setAAD(header)
  const pieces = plain.map((piece) => cipher.update(piece))
  const sealed = Buffer.concat([salt, commitment, ...pieces, cipher.final(), cipher.getAuthTag()])
  for (const piece of pieces) giveBack(piece)
  return sealed
}

/** Why a unit did not open: its commitment is another key's, or its bytes are not what was sealed. */
export type UnitFailure = 'key' | 'bytes'

/** The plain bytes, in own memory. */
export function openUnit(workingKey: Uint8Array, header: Uint8Array, unit: Uint8Array): Buffer | UnitFailure {
  if (unit.length < unitOverheadBytes) return 'bytes'
  const { key, commitment } = unitKeys(workingKey, unit.subarray(0, saltBytes), header)
  if (!timingSafeEqual(commitment, unit.subarray(saltBytes, saltBytes + commitmentBytes))) return 'key'
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes })
  decipher.setAAD(header)
  decipher.setAuthTag(unit.subarray(unit.length - tagBytes))
  const plain = decipher.update(unit.subarray(saltBytes + commitmentBytes, unit.length - tagBytes))
  try {
    decipher.final()
  } catch {
    return 'bytes' // The only failure of final() is a tag that does not match.
  }
  return plain
}

function unitKeys(workingKey: Uint8Array, salt: Uint8Array, header: Uint8Array): { key: Uint8Array; commitment: Uint8Array } {
  const material = new Uint8Array(hkdfSync('sha256', workingKey, salt, Buffer.concat([infoStart, header]), 48))
  return { key: material.subarray(0, 32), commitment: material.subarray(32) }
}
