import type { PackClass } from '../format.ts'
import { targetPackBytes } from '../packs/pack-builder.ts'
import type { Examined } from './examine.ts'
import { defaultUnused } from './prune-options.ts'
import type { PruneOptions, Unused } from './prune-options.ts'
import type { PackUse } from './pack-use.ts'

const smallPackBytes = targetPackBytes / 4
/** Small packs are joined when there are so many: each byte is not written again by every collection. */
const smallPacks = 32
/** A new pack with the whole of a larger one might become larger than readers take; no writer of kpipe makes such. */
export const maxMovableBytes = 32 * 2 ** 20
/** Of a pack that a scattered snapshot uses. */
const scatteredShare = 0.1
/** When a restore of a newest snapshot decodes more than so many times its bytes, its chunks are gathered until it is so many times. */
const gatherAbove = 2
const gatherTo = 1.25

/**
 * Packs to be written anew without what nobody needs, oldest first. Those of which nothing is needed, which snapshots use for what has
 * been healed elsewhere, come last: they need a new pack to go into, and bring none.
 */
export function choosePacks(
  { uses, untouchable, scattered, newest, state }: Pick<Examined, 'uses' | 'untouchable' | 'scattered' | 'newest' | 'state'>,
  { maxUnused = defaultUnused, reseal = false, recode }: Pick<PruneOptions, 'maxUnused' | 'reseal' | 'recode'>,
): PackUse[] {
  const movable = uses.filter(({ pack }) => !untouchable.has(pack.number) && pack.bytes <= maxMovableBytes)
  const chosen = new Set<PackUse>()
  if (reseal) for (const use of movable) if (use.epoch < state.epoch) chosen.add(use)
  const scatteredPacks = new Set(scattered.flatMap((id) => state.snapshots.get(id)?.packs ?? []))
  for (const use of movable) if (scatteredPacks.has(use.pack.number) && use.unusedBytes > use.pack.bytes * scatteredShare) chosen.add(use)
  if (maxUnused !== 'unlimited' && recode !== undefined) {
    for (const { id, bytes, readBytes } of newest) {
      if (readBytes <= bytes * gatherAbove) continue
      const own = new Set(state.snapshots.get(id)?.packs)
      const wasteful = movable.filter(({ pack, wastedBytes }) => own.has(pack.number) && wastedBytes > 0)
      for (const use of worstFirst(wasteful, readBytes - bytes * gatherTo)) chosen.add(use)
    }
  }
  let left = uses.filter((use) => !chosen.has(use)).reduce((sum, { unusedBytes }) => sum + unusedBytes, 0)
  const allowed = allowedBytes(uses, maxUnused)
  const share = ({ unusedBytes, pack }: PackUse): number => unusedBytes / pack.bytes
  for (const use of movable.toSorted((one, other) => share(other) - share(one))) {
    if (left <= allowed) break
    if (chosen.has(use) || use.unusedBytes === 0) continue
    chosen.add(use)
    left -= use.unusedBytes
  }
  for (const packClass of ['D', 'M'] as const) {
    for (const use of smallOf(movable, packClass, chosen)) chosen.add(use)
    const carrier = carrierOf(movable, packClass, chosen)
    if (carrier !== undefined) chosen.add(carrier)
  }
  const isEmpty = ({ liveChunks }: PackUse): number => (liveChunks === 0 ? 1 : 0)
  return [...chosen].toSorted((one, other) => isEmpty(one) - isEmpty(other) || one.pack.number - other.pack.number)
}

/** Those that cost a restore most for what it takes to write them anew, until so many bytes less are decoded. */
function worstFirst(uses: readonly PackUse[], bytes: number): PackUse[] {
  const ratio = ({ wastedBytes, liveBytes }: PackUse): number => wastedBytes / liveBytes
  let left = bytes
  return uses
    .toSorted((one, other) => ratio(other) - ratio(one))
    .filter(({ wastedBytes }) => {
      const isNeeded = left > 0
      left -= wastedBytes
      return isNeeded
    })
}

/** The smallest pack with something in it, when only packs without anything are chosen of a class. */
function carrierOf(movable: readonly PackUse[], packClass: PackClass, chosen: ReadonlySet<PackUse>): PackUse | undefined {
  const own = [...chosen].filter(({ pack }) => pack.class === packClass)
  if (own.length === 0 || own.some(({ liveChunks }) => liveChunks > 0)) return undefined
  const live = movable.filter(({ pack, liveChunks }) => pack.class === packClass && liveChunks > 0)
  return live.toSorted((one, other) => one.pack.bytes - other.pack.bytes)[0]
}

function smallOf(movable: readonly PackUse[], packClass: PackClass, chosen: ReadonlySet<PackUse>): PackUse[] {
  const small = movable.filter((use) => use.pack.class === packClass && use.pack.bytes < smallPackBytes && !chosen.has(use))
  return small.length < smallPacks ? [] : small
}

/** Unused bytes that may stay: a percentage is of what is there afterwards, the unused bytes included. */
function allowedBytes(uses: readonly PackUse[], maxUnused: Unused): number {
  if (maxUnused === 'unlimited') return Infinity
  if ('bytes' in maxUnused) return maxUnused.bytes
  const live = uses.reduce((sum, { liveBytes }) => sum + liveBytes, 0)
  return (live * maxUnused.percent) / (100 - maxUnused.percent)
}
