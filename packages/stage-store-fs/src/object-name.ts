import { KpipeError } from '@kpipe/engine/contracts'

const maxNameBytes = 120

/** Names are `[a-z0-9/-]`, at most 120 bytes, without empty pieces; `tmp` is the store's own. @throws KpipeError KPIPE_STORE_FAILED */
export function demandObjectName(name: string, operation: string): void {
  const wellFormed = /^[a-z0-9-]+(?:\/[a-z0-9-]+)*$/.test(name) && name.length <= maxNameBytes
  if (wellFormed && name.split('/')[0] !== 'tmp') return
  throw new KpipeError('KPIPE_STORE_FAILED', `${operation}: "${name}" is not a name of an object`, { object: name })
}
