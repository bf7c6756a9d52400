import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { magics } from '../format.ts'
import { giveBack } from '../give-back.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { PackRecord } from '../log/state.ts'
import { openUnit } from '../sealed-unit.ts'
import { decodeDirectory } from './directory.ts'
import type { Directory } from './directory.ts'
import { directoryHeader, packFooterBytes, packHeader } from './pack-builder.ts'
import { packName } from './pack-name.ts'

/**
 * The directory of a pack, with one ranged read: the log knows both sizes.
 * @param forWhom names the snapshot in errors
 * @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED
 */
export async function readDirectory(store: Store, ring: KeyRing, pack: PackRecord, forWhom: string): Promise<Directory> {
  const length = pack.directoryBytes + packFooterBytes
  const tail = await readPackRange(store, pack.id, { offset: pack.bytes - length, length }, forWhom)
  const view = Buffer.from(tail.buffer, tail.byteOffset, tail.length)
  const footer = view.subarray(pack.directoryBytes)
  const damaged = (what: string): KpipeError => damagedPack(pack.id, forWhom, what)
  if (footer.readUInt32LE(0) !== pack.directoryBytes || !magics.packEnd.equals(footer.subarray(8)))
    throw damaged('its last bytes are not those of a pack')
  const epoch = footer.readUInt32LE(4)
  if (!ring.knows(epoch)) throw damaged(`its directory names keys of an epoch ${epoch} that does not exist`)
  const header = directoryHeader(packHeader(pack.class, pack.id, ring.repositoryId), epoch)
  const plain = openUnit(ring.workingKey(epoch, 'directory'), header, view.subarray(0, pack.directoryBytes))
  if (typeof plain === 'string') throw damaged('its directory does not open')
  try {
    const directory = decodeDirectory(plain.subarray(4, 4 + plain.readUInt32LE(0)))
    giveBack(plain)
    giveBack(tail)
    if (directory.class !== pack.class) throw new RangeError(`it is of class ${directory.class}`)
    return directory
  } catch (error) {
    // Authenticated bytes may be of a later draft.
    if (!(error instanceof RangeError)) throw error
    throw damaged(`its directory is not of this format, ${error.message}`)
  }
}

/** Exactly `length` bytes. @throws KpipeError KPIPE_OBJECT_MISSING, KPIPE_DAMAGED when the pack is shorter */
export async function readPackRange(
  store: Store,
  id: string,
  range: { offset: number; length: number },
  forWhom: string,
): Promise<Uint8Array> {
  const name = packName(id)
  const bytes = await store.read(name, range)
  if (bytes === undefined)
    throw new KpipeError('KPIPE_OBJECT_MISSING', `${name} is missing at ${store.location}; ${forWhom} needs it`, { object: name })
  if (bytes.length !== range.length) throw damagedPack(id, forWhom, `it ends ${range.length - bytes.length} bytes too early`)
  return bytes
}

export function damagedPack(id: string, forWhom: string, what: string): KpipeError {
  const name = packName(id)
  return new KpipeError('KPIPE_DAMAGED', `${name} is damaged: ${what}; ${forWhom} needs it`, { object: name })
}
