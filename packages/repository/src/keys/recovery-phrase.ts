import { createHash, randomBytes } from 'node:crypto'
import { KpipeError } from '@kpipe/engine/contracts'

// Crockford's base32: no I, L, O, U. 32 bytes of secret and 3 of checksum are exactly 56 symbols.
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const secretBytes = 32
const symbols = 56
const groupSymbols = 4

/** 14 groups of 4 symbols. */
export function newRecoveryPhrase(): string {
  return formatRecoveryPhrase(randomBytes(secretBytes))
}

export function formatRecoveryPhrase(secret: Uint8Array): string {
  let bits = BigInt(`0x${Buffer.concat([secret, checksum(secret)]).toString('hex')}`)
  let text = ''
  for (let index = 0; index < symbols; index++) {
    text = alphabet[Number(bits & 31n)] + text
    bits >>= 5n
  }
  return text.match(new RegExp(`.{${groupSymbols}}`, 'g'))!.join('-')
}

/**
 * The 32 bytes that a phrase stands for. Case, spaces and dashes do not matter; O is 0, I and L are 1.
 * @throws KpipeError KPIPE_KEY_MALFORMED
 */
export function recoveryPhraseSecret(phrase: string): Buffer {
  const text = phrase
    .toUpperCase()
    .replaceAll(/[\s\-–—_.]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
  const foreign = [...text].find((symbol) => !alphabet.includes(symbol))
  if (foreign !== undefined) throw malformed(`it holds "${foreign}", which no recovery phrase has`)
  if (text.length !== symbols) throw malformed(`it has ${text.length} symbols, not ${symbols}`)
  const bits = [...text].reduce((sum, symbol) => (sum << 5n) | BigInt(alphabet.indexOf(symbol)), 0n)
  const bytes = Buffer.from(bits.toString(16).padStart(70, '0'), 'hex')
  const secret = bytes.subarray(0, secretBytes)
  if (!checksum(secret).equals(bytes.subarray(secretBytes)))
    throw malformed('its checksum does not match: a symbol is wrong or two are swapped')
  return Buffer.from(secret)
}

function checksum(secret: Uint8Array): Buffer {
  return createHash('sha256').update('kpipe recovery phrase\0').update(secret).digest().subarray(0, 3)
}

function malformed(reason: string): KpipeError {
  return new KpipeError('KPIPE_KEY_MALFORMED', `this is not a recovery phrase: ${reason}`)
}
