import { KpipeError } from '@kpipe/engine/contracts'
import type { LogState, PackRecord } from '../log/state.ts'
import { choosePacks } from './choose-packs.ts'
import type { Collection } from './collect.ts'
import { examine, openAndMark } from './examine.ts'
import type { Examined } from './examine.ts'
import { isMovable } from './move-chunks.ts'
import { liveSlots } from './open-pack.ts'
import type { OpenPack } from './open-pack.ts'
import type { PackUse } from './pack-use.ts'
import { Replacement } from './replacement.ts'
import { sizeOf } from './tally.ts'

const maxTries = 5
/** Packs are written anew in rounds, of which each has so many chunks of old packs open. */
const chunksAtOnce = 2 ** 20

/** Writes packs anew in which too little is of use, without the rest. Who appends meanwhile may make it begin again. */
export async function compact(collection: Collection, deadline: number): Promise<void> {
  const { log, options, tally, collector } = collection
  for (let attempt = 0; attempt < maxTries; attempt++) {
    const examined = await examine(collection, log.state)
    tally.usedBytes = sizeOf(examined.uses.map(({ pack }) => pack))
    tally.unusedBytes = examined.uses.reduce((sum, { unusedBytes }) => sum + unusedBytes, 0)
    const chosen = choosePacks(examined, options)
    if (chosen.length === 0) return
    if (!options.apply) return foretell(collection, chosen)
    // Only what was examined since its OPEN may a writer replace, and packs are made by open ones only.
    const isOpen = collector.isOpen(examined.state)
    await collector.open()
    if (!isOpen) continue
    if (await replaceAll(collection, examined, chosen, deadline)) return
  }
  tally.endedEarly = 'others changed the log meanwhile'
}

function foretell({ tally }: Collection, chosen: readonly PackUse[]): void {
  tally.add(
    'compacted',
    chosen.map(({ pack }) => pack),
  )
  tally.add(
    'written',
    chosen.map(({ liveBytes }) => ({ bytes: liveBytes })),
  )
  tally.unusedBytes -= chosen.reduce((sum, { unusedBytes }) => sum + unusedBytes, 0)
}

/** False when what was examined does not hold any more. */
async function replaceAll(collection: Collection, examined: Examined, chosen: readonly PackUse[], deadline: number): Promise<boolean> {
  const { options, tally, store } = collection
  const total = sizeOf(chosen.map(({ pack }) => pack))
  let done = 0
  for (const round of inRounds(chosen)) {
    const untouchable = new Set<number>()
    const packs = round.map(({ pack }) => pack)
    const open = examined.open ?? (await openAndMark(collection, examined.state, packs, untouchable, new Map()))
    const replacement = new Replacement(collection, examined)
    for (const use of round) {
      if (Date.now() >= deadline) tally.endedEarly = 'its time is over'
      const old = open.get(use.pack.number)
      if (tally.endedEarly !== undefined || old === undefined || untouchable.has(use.pack.number)) continue
      const refusal = refusalOf(collection, examined.state, old)
      if (refusal !== undefined) {
        tally.notice(refusal)
        continue
      }
      try {
        await replacement.take(use, old)
      } catch (error) {
        if (!(error instanceof KpipeError) || error.code !== 'KPIPE_STORE_FULL') throw error
        tally.endedEarly = `${store.location} is full`
      }
      options.onProgress?.((done += use.pack.bytes), total)
    }
    if (!(await replacement.commit())) return false
    if (tally.endedEarly !== undefined) return true
  }
  return true
}

/** Why a pack stays as it is, in a sentence. */
function refusalOf({ options, store }: Collection, { epoch }: LogState, old: OpenPack): string | undefined {
  if (old.pack.class === 'M' || options.recode !== undefined) return undefined
  const needed = old.directory.frames.filter((frame) => liveSlots(old, frame).length > 0)
  if (needed.every((frame) => isMovable(old, frame, epoch, false))) return undefined
  return `some packs at ${store.location} stay as they are: their codecs are not at hand`
}

function inRounds(chosen: readonly PackUse[]): PackUse[][] {
  const rounds: PackUse[][] = []
  let chunks = Infinity
  for (const use of chosen) {
    const own = chunksOf(use.pack)
    if (chunks + own > chunksAtOnce) {
      rounds.push([])
      chunks = 0
    }
    rounds.at(-1)!.push(use)
    chunks += own
  }
  return rounds
}

/** A directory has 6 bytes a chunk at the least. */
function chunksOf({ directoryBytes }: PackRecord): number {
  return Math.ceil(directoryBytes / 6)
}
