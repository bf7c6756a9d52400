import type { LogState, PackRecord } from '../log/state.ts'

/** What one entry of the log names at the most; the next collection goes on. */
const packsAtOnce = 2 ** 18

/** Packs that no snapshot uses and that are not condemned yet, ascending by number. */
export function unusedPacks(state: LogState): PackRecord[] {
  const used = new Set<number>()
  for (const { packs } of state.snapshots.values()) for (const number of packs) used.add(number)
  const unused = [...state.packs.values()].filter(({ number }) => !used.has(number) && !state.condemned.has(number))
  return unused.toSorted(byNumber).slice(0, packsAtOnce)
}

export interface CondemnedPacks {
  /** May be swept now, ascending by number. */
  readonly due: readonly PackRecord[]
  /** Wait for readers, or for writers that are open since before the CONDEMN. */
  readonly waiting: readonly PackRecord[]
  readonly waitsForWriters: boolean
}

/**
 * @param writers open ones, the collector left out
 * @param isRipe whether `sweepDelay` is over since that entry
 */
export function condemnedPacks(
  { packs, condemned }: LogState,
  writers: Iterable<{ readonly entry: number }>,
  isRipe: (entry: number) => boolean,
): CondemnedPacks {
  const oldest = Math.min(...[...writers].map(({ entry }) => entry))
  const [due, waiting]: [PackRecord[], PackRecord[]] = [[], []]
  let waitsForWriters = false
  for (const [number, entry] of condemned) {
    const held = oldest < entry
    waitsForWriters ||= held
    const list = !held && isRipe(entry) && due.length < packsAtOnce ? due : waiting
    list.push(packs.get(number)!)
  }
  return { due: due.toSorted(byNumber), waiting: waiting.toSorted(byNumber), waitsForWriters }
}

function byNumber(one: PackRecord, other: PackRecord): number {
  return one.number - other.number
}
