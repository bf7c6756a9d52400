import { KpipeError } from '@kpipe/engine/contracts'
import type { RecipeSegment } from '@kpipe/engine/contracts'
import type { Log } from '../log/log.ts'
import type { LogState } from '../log/state.ts'
import type { TagsByPack } from '../log/tags-by-pack.ts'
import { appendTags } from './append-tags.ts'
import { newlyLost } from './newly-lost.ts'
import { TagSet } from './tag-set.ts'

export interface MendingStream {
  readonly segments: readonly RecipeSegment[]
  /** Id of the pack of a chunk of this origin. */
  readonly packOf: (origin: number) => string
}

export interface Mending {
  readonly log: Log
  /** What the parent lacks because packs are not there: tags in hex, by number of the pack. */
  readonly missing: TagsByPack
  /** Of the snapshot that was just made. */
  readonly streams: readonly MendingStream[]
}

/**
 * After a backup: notes what it found missing, and where older snapshots find again what they had lost. Does nothing where no
 * damage is known. Resolves with sentences about what could not be noted: the backup itself is done.
 */
export async function mendOlder(mending: Mending): Promise<readonly string[]> {
  const { log, missing } = mending
  try {
    await appendTags(log, 'DAMAGED', newlyLost(log.state, missing))
    const wanted = lostTags(log.state)
    if (wanted.size > 0) await appendTags(log, 'HEAL', copiesIn(mending, wanted))
    return []
  } catch (error) {
    if (!(error instanceof KpipeError)) throw error
    return [`what older snapshots have lost could not be noted in the log: ${error.message}`]
  }
}

/** Chunks of packs that are in use, lost there and not to be had elsewhere. */
function lostTags(state: LogState): TagSet {
  if (state.damaged.size === 0) return new TagSet([])
  const used = new Set<number>()
  for (const { packs } of state.snapshots.values()) for (const number of packs) used.add(number)
  const isHealed = (tag: string): boolean =>
    state.healed.get(tag)?.some((number) => state.packs.has(number) && !isLost(state, number, tag)) === true
  const tags: string[] = []
  for (const [number, damaged] of state.damaged) {
    if (used.has(number)) for (const tag of damaged.tags) if (!isHealed(tag)) tags.push(tag)
  }
  return new TagSet(tags)
}

function copiesIn({ log, streams }: Mending, wanted: TagSet): Map<number, string[]> {
  const { state } = log
  const found = new Map<number, string[]>()
  const all = streams.flatMap(({ segments, packOf }) => segments.map((segment) => ({ ...segment, packOf })))
  for (const { tags, origins, packOf } of all) {
    for (let chunk = 0; chunk < origins.length && wanted.size > 0; chunk++) {
      const tag = wanted.find(tags, chunk * 16)
      if (tag === undefined) continue
      const pack = state.packsById.get(packOf(origins[chunk]))
      if (pack === undefined || isLost(state, pack.number, tag)) continue
      const list = found.get(pack.number) ?? []
      list.push(tag)
      found.set(pack.number, list)
      wanted.delete(tag)
    }
  }
  return found
}

function isLost({ damaged }: LogState, number: number, tag: string): boolean {
  return damaged.get(number)?.tags.has(tag) === true
}
