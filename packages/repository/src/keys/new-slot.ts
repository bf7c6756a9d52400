import assert from 'node:assert/strict'
import { newPasswordParameters } from './password.ts'
import { secretBytes } from './secret.ts'
import type { Secret } from './secret.ts'
import { newSlotKey } from './slot.ts'
import type { SlotKey } from './slot.ts'

/** A new slot that this secret opens. @throws KpipeError KPIPE_KEY_MALFORMED */
export async function slotKeyFor(repositoryId: Uint8Array, secret: Secret): Promise<SlotKey> {
  const parameters = secret.kind === 'password' ? newPasswordParameters() : new Uint8Array(0)
  const bytes = await secretBytes(secret, parameters)
  assert(bytes !== undefined, 'new parameters are within their bounds')
  return newSlotKey(repositoryId, secret.kind, bytes, parameters)
}
