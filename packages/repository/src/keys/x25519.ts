import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto'

// DER of RFC 8410: all but the last 32 bytes is fixed.
const privateStart = Buffer.from('302e020100300506032b656e04220420', 'hex')
const publicStart = Buffer.from('302a300506032b656e032100', 'hex')

/** The public key of 32 private bytes. */
export function publicKeyOf(privateKey: Uint8Array): Buffer {
  return Buffer.from(createPublicKey(privateObject(privateKey)).export({ format: 'der', type: 'spki' }).subarray(publicStart.length))
}

/** X25519 of RFC 7748; throws for a public key of small order. */
export function sharedSecret(privateKey: Uint8Array, publicKey: Uint8Array): Buffer {
  const key = createPublicKey({ key: Buffer.concat([publicStart, publicKey]), format: 'der', type: 'spki' })
  return diffieHellman({ privateKey: privateObject(privateKey), publicKey: key })
}

function privateObject(privateKey: Uint8Array): ReturnType<typeof createPrivateKey> {
  return createPrivateKey({ key: Buffer.concat([privateStart, privateKey]), format: 'der', type: 'pkcs8' })
}
