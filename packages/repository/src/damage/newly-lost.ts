import type { LogState } from '../log/state.ts'
import type { TagsByPack } from '../log/tags-by-pack.ts'

/** Of these chunks those that the log does not yet know to be lost; packs that are not there any more are left out. */
export function newlyLost(state: LogState, lost: TagsByPack): Map<number, string[]> {
  const news = new Map<number, string[]>()
  for (const [number, tags] of lost) {
    if (!state.packs.has(number)) continue
    const known = state.damaged.get(number)?.tags
    const list = [...new Set(tags)].filter((tag) => known?.has(tag) !== true)
    if (list.length > 0) news.set(number, list)
  }
  return news
}
