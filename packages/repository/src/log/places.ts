import type { LogState, PackRecord } from './state.ts'

/** Where what a snapshot names is to be had now. */
export interface Places {
  /**
   * The pack itself, or those that took over its live chunks and that the snapshot uses: one, after collectors at the same
   * time perhaps more, and none when it is gone.
   * @param id 32 hex digits
   */
  of(id: string): readonly PackRecord[]
  /** Whether some chunks are not where their pack is; without it `chunk` need not be asked. */
  readonly exceptions: boolean
  /** Like `of`, for a chunk that the snapshot names in that pack; none when it is lost. */
  ofChunk(id: string, tag: string): readonly PackRecord[]
  /** Whether a chunk was lost some time and then healed: whoever took over its pack did not take it along. */
  wasHealed(tag: string): boolean
}

/** @param snapshot id of one that is not forgotten; one that is has no places any more but the packs themselves */
export function placesOf(state: LogState, snapshot: string): Places {
  const record = state.snapshots.get(snapshot)
  const uses = record === undefined ? undefined : new Set(record.packs)
  const used = (numbers: readonly number[]): PackRecord[] =>
    numbers
      .filter((number) => uses?.has(number) ?? true)
      .map((number) => state.packs.get(number))
      .filter((pack) => pack !== undefined)
  const of = (id: string): readonly PackRecord[] => {
    const itself = state.packsById.get(id)
    if (itself !== undefined && (uses?.has(itself.number) ?? true)) return [itself]
    return used(state.replaced.get(id) ?? [])
  }
  const isThere = (pack: PackRecord, tag: string): boolean => state.damaged.get(pack.number)?.tags.has(tag) !== true
  return {
    of,
    exceptions: state.damaged.size > 0 || state.healed.size > 0,
    ofChunk(id, tag) {
      const healing = used(state.healed.get(tag) ?? []).filter((pack) => isThere(pack, tag))
      return healing.length > 0 ? healing.slice(0, 1) : of(id).filter((pack) => isThere(pack, tag))
    },
    wasHealed: (tag) => state.healed.has(tag),
  }
}
