import { row } from './database.ts'
import type { Item } from './database.ts'

/** Numbers from 0 up to a bound, the same for the same seed. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Items of bucket `meta` that tell of compactions. */
export const marks = (finished: number, scheduled: number): Item[] =>
  Object.entries({ consistent_index: 9, finishedCompactRev: finished, scheduledCompactRev: scheduled })
    .filter(([, revision]) => revision > 0)
    .map(([name, revision]): Item => [name, name === 'consistent_index' ? Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 9) : row(revision, 0, '', new Uint8Array(1))[0]]) // prettier-ignore

/** A history of puts and deletes, compacted as far as a compaction has come when somebody looks. */
export function randomHistory(seed: number): { items: Item[]; meta: Item[] } {
  const below = numbers(seed)
  const rows: { main: number; key: string; item: Item; isPut: boolean }[] = []
  const writes = below(4) === 0 ? below(8) : 5 + below(150)
  const keys = 1 + below(1 + writes)
  let main = 1
  for (let n = 0; n < writes; n++) {
    main += 1 + (below(10) === 0 ? below(1000) : 0)
    for (let sub = 0; sub < (below(8) === 0 ? 3 : 1); sub++) {
      const key = `key-${below(keys)}`
      const isPut = below(4) > 0 && seed % 7 !== 0
      const value = new Uint8Array(below(20) === 0 ? below(5000) : below(200)).fill(below(256))
      rows.push({ main, key, isPut, item: row(main, sub, key, isPut ? value : undefined) })
    }
  }
  const scheduled = seed % 7 === 0 ? main : below(3) === 0 ? 0 : Math.max(1, main - below(1 + main))
  const progress = below(3)
  const newestThen = new Map(rows.filter((one) => one.main <= scheduled).map((one) => [one.key, one]))
  const stays = (one: (typeof rows)[number]) =>
    one.main > scheduled || (newestThen.get(one.key) === one && (one.isPut || (one.main === scheduled && seed % 2 === 0)))
  const left = rows.filter((one, index) => stays(one) || progress === 0 || (progress === 1 && index > rows.length / 3))
  const finished = progress === 2 ? scheduled : Math.floor(scheduled / 2)
  return { items: left.map(({ item }) => item), meta: marks(finished, scheduled) }
}
