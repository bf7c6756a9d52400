import { maxDrillNoteBytes, maxPackBytes } from '../bounds.ts'
import { bin, count, isBytes, isCount, isListOf, isMap, isMapOf, isText, optional } from '../shape.ts'
import type { Shape } from '../shape.ts'
import { VarintReader } from '../varint.ts'
import { decodePackNumbers } from './pack-numbers.ts'
import type { Compact, Payload, StoredTagsByPack } from './payload.ts'
import { decodeTagsByPack } from './tags-by-pack.ts'

/** What a Date can hold. */
export const maxTime = 8.64e15

const isFeatureList = optional(isListOf(isText))
export const isRequirements = isMapOf({ read: isFeatureList, write: isFeatureList, collect: isFeatureList })
export const isSlots = isListOf(isMapOf({ id: bin(8), kind: isText, public_key: bin(32), epoch: count(0xffff_ffff), digest: bin(32) }))
export const isOpen = isMapOf({ writer: bin(8), tool: isText, host: isText, boot: isText, pid: count() })
/** Where a manifest lies in a pack. */
export const isPlace = isMapOf({
  id: bin(32),
  counter: count(),
  offset: count(maxPackBytes),
  stored_bytes: count(maxPackBytes),
  epoch: count(0xffff_ffff),
})

const isNewPack: Shape = (value) => {
  if (!Array.isArray(value) || (value[0] !== 'D' && value[0] !== 'M')) return false
  const [, counter, bytes, directoryBytes, sha256] = value as unknown[]
  return isCount(counter) && isCount(bytes, maxPackBytes) && isCount(directoryBytes, bytes) && isBytes(sha256, 32)
}

/** Whether columns can be read: their only failure is one that ends too early or holds too large a number. */
function isReadable(read: () => boolean): boolean {
  try {
    return read()
  } catch {
    return false
  }
}

const isPackNumbers: Shape = (value) => isBytes(value) && isReadable(() => decodePackNumbers(value).every((number) => isCount(number)))

const isTagsByPack: Shape = (value) =>
  isMapOf({ packs: isPackNumbers, counts: bin(), tags: bin() })(value) &&
  isReadable(() => decodeTagsByPack(value as StoredTagsByPack).size > 0)

/** One place for each old pack, each a new one. */
const isCompact: Shape = (value) =>
  isMapOf({ writer: bin(8), packs: isListOf(isNewPack), old: isPackNumbers, into: bin(), up_to: count() })(value) &&
  isReadable(() => {
    const { old, into, packs } = value as Compact
    const column = new VarintReader(into)
    return decodePackNumbers(old).every(() => column.next() < packs.length) && column.done
  })

export const isDrillLevel: Shape = (value) => value === 'walked' || value === 'booted'
export const isDrillNote: Shape = (value) => typeof value === 'string' && Buffer.byteLength(value) <= maxDrillNoteBytes

/** Keys of each kind that this version acts on. */
const shapes: Readonly<Record<string, Shape>> = {
  GENESIS: isMapOf({ tool: isText, tag_algorithm: isText, marker: bin(32), slots: isSlots }),
  OPEN: isOpen,
  SNAPSHOT: isMapOf({
    writer: bin(8),
    packs: isListOf(isNewPack),
    uses: isPackNumbers,
    manifest: (value) => isBytes(value) || isPlace(value),
  }),
  ABORT: isMapOf({ writer: bin(8) }),
  FORGET: isMapOf({ snapshots: isListOf(bin(32)) }),
  CONDEMN: isMapOf({ packs: isPackNumbers }),
  SWEEP: isMapOf({ writer: bin(8), packs: isPackNumbers }),
  KEY: isMapOf({ epoch: count(0xffff_ffff), slots: isSlots }),
  CHECKED: isMapOf({ packs: isPackNumbers }),
  VOID: isMapOf({ n: count(), digest: (value) => isBytes(value, 32) || isBytes(value, 0), state: optional(bin()) }),
  COMPACT: isCompact,
  DAMAGED: isTagsByPack,
  HEAL: isTagsByPack,
  DRILLED: isMapOf({ snapshot: bin(32), level: isDrillLevel, passed: (value) => typeof value === 'boolean', note: isDrillNote }),
}

/** Whether the fold can act on it. Kinds of later versions may hold anything. */
export function isPayload(value: unknown): value is Payload {
  if (!isMap(value) || typeof value['kind'] !== 'string' || !optional(isRequirements)(value['requires'])) return false
  return !Object.hasOwn(shapes, value['kind']) || (isCount(value['time'], maxTime) && shapes[value['kind']](value))
}
