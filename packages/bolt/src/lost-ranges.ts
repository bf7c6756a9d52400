import type { LostRange } from './salvage.ts'

/** Which rows of bucket `key` may be on lost pages. */
export interface LostRows {
  readonly none: boolean
  has(key: Uint8Array): boolean
  /** Whether a range of them, such as what lies below a branch, has any of them. */
  meets(from: Uint8Array | undefined, until: Uint8Array | undefined): boolean
}

interface Span {
  readonly from: Uint8Array | undefined
  readonly until: Uint8Array | undefined
}

/** @param lost in the order in which `salvage` tells them; those of other buckets do not count */
export function lostRows(lost: readonly LostRange[]): LostRows {
  const spans: Span[] = []
  for (const { path, from, until } of lost) {
    // Where buckets are lost, all rows may be.
    if (path.length === 0) return { none: false, has: () => true, meets: () => true }
    if (path.length !== 1 || Buffer.from(path[0]!).toString('latin1') !== 'key') continue
    const before = spans.at(-1)
    const goesOn = before?.until !== undefined && from !== undefined && Buffer.compare(before.until, from) === 0
    if (goesOn) spans[spans.length - 1] = { from: before.from, until }
    else spans.push({ from, until })
  }
  /** The first that does not end before this. */
  const after = (key: Uint8Array | undefined): Span | undefined => {
    let [low, high] = [0, spans.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (isBelow(key, spans[middle]!.until)) high = middle
      else low = middle + 1
    }
    return spans[low]
  }
  return {
    none: spans.length === 0,
    has(key) {
      const span = after(key)
      return span !== undefined && (span.from === undefined || Buffer.compare(key, span.from) >= 0)
    },
    meets(from, until) {
      const span = after(from)
      return span !== undefined && (span.from === undefined || until === undefined || Buffer.compare(span.from, until) < 0)
    },
  }
}

/** Undefined is below everything on the left, and above everything on the right. */
function isBelow(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one === undefined || other === undefined || Buffer.compare(one, other) < 0
}
