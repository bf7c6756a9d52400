import { createHash } from 'node:crypto'
import { headerStart, magics, packClasses, u32 } from '../format.ts'
import type { PackClass } from '../format.ts'
import { giveBack } from '../give-back.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { packId } from '../log/new-packs.ts'
import type { NewPack } from '../log/payload.ts'
import { padme } from '../padme.ts'
import { sealUnit, unitOverheadBytes } from '../sealed-unit.ts'
import { encodeDirectory } from './directory.ts'
import type { ListedFrame } from './directory.ts'

export const packHeaderBytes = 48
export const packFooterBytes = 16
/** A pack is closed before it would grow above this: a few of them are in memory at once. */
export const targetPackBytes = 4 * 2 ** 20

/** Header 12 | class u8 | 3 zeros | pack id 16 | repository id 16. */
export function packHeader(packClass: PackClass, id: string, repositoryId: Uint8Array): Buffer {
  return Buffer.concat([headerStart(magics.pack), Buffer.of(packClasses[packClass], 0, 0, 0), Buffer.from(id, 'hex'), repositoryId])
}

/** A pack being filled. It keeps the frames' arrays as they are given. */
export interface PackBuilder {
  readonly id: string
  /** Header and frames so far. */
  readonly bytes: number
  /** Where the frame lies in the pack. */
  add(bytes: Uint8Array, frame: Omit<ListedFrame, 'offset'>): number
  finish(): { readonly parts: readonly Uint8Array[]; readonly record: NewPack }
}

export function packBuilder(ring: KeyRing, epoch: number, packClass: PackClass, writer: Uint8Array, counter: number): PackBuilder {
  const id = packId(writer, counter)
  const header = packHeader(packClass, id, ring.repositoryId)
  const parts: Uint8Array[] = [header]
  const frames: ListedFrame[] = []
  const hash = createHash('sha256').update(header)
  let bytes = header.length
  return {
    id,
    get bytes() {
      return bytes
    },
    add(frameBytes, frame) {
      const offset = bytes
      frames.push({ ...frame, offset })
      parts.push(frameBytes)
      hash.update(frameBytes)
      bytes += frameBytes.length
      return offset
    },
    finish() {
      const directory = encodeDirectory(packClass, frames)
      const unpadded = bytes + unitOverheadBytes + 4 + directory.length + packFooterBytes
      const total = padme(unpadded)
      const padding = Buffer.alloc(total - unpadded)
      const sealed = sealUnit(ring.workingKey(epoch, 'directory'), directoryHeader(header, epoch), [
        u32(directory.length),
        directory,
        padding,
      ])
      giveBack(directory)
      giveBack(padding)
      const tail = [sealed, u32(sealed.length), u32(epoch), magics.packEnd]
      for (const part of tail) hash.update(part)
      return { parts: [...parts, ...tail], record: [packClass, counter, total, sealed.length, hash.digest()] }
    },
  }
}

/** What a directory is bound to: the pack's header and the epoch of its key. */
export function directoryHeader(header: Uint8Array, epoch: number): Buffer {
  return Buffer.concat([header, u32(epoch)])
}
