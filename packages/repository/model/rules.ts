import type { LogState } from '../src/log/state.ts'
import { mayCommit } from './backup.ts'
import { examineAll, isLeftover, mayCompact, mayCondemn, removable, sweepable } from './collector.ts'
import type { Examined } from './collector.ts'
import { mayCallWhole, mayHeal } from './damage.ts'
import { foldOne } from './world.ts'
import type { Actor, Fold, Memory, World } from './world.ts'

/** Every rule by which the actors and the log go; a variant has one of them broken. */
export interface Rules {
  readonly fold: Fold
  /** Whether OPEN comes before the first pack. */
  readonly opensFirst: boolean
  /** Whether a writer looks again at its parent when its OPEN is durable. */
  readonly looksAtOpen: boolean
  /** Whether it then looks for damage as well that was noted since. */
  readonly notesDamageAtOpen: boolean
  /** How a writer that reads its parent sees the log. */
  readonly parentState: (state: LogState) => LogState
  /** What a writer looks at again right before its SNAPSHOT, and so on. */
  readonly mayCommit: (world: World, actor: Actor) => boolean
  readonly examine: (world: World) => Examined
  readonly mayCondemn: (world: World, pack: string) => boolean
  readonly mayCompact: (world: World, actor: Actor) => boolean
  readonly upTo: (world: World, actor: Actor) => number
  /** Whether a collector copies what it cannot read. */
  readonly copiesUnread: boolean
  /** Whether SWEEP comes before objects are deleted. */
  readonly sweepsFirst: boolean
  readonly sweepable: (world: World, actor: Actor) => readonly string[]
  readonly removable: (world: World, actor: Actor) => readonly string[]
  /** What a collector that lists objects has read of the log before. */
  readonly readBeforeListing: (world: World) => Memory
  readonly isLeftover: (world: World, actor: Actor, pack: string) => boolean
  readonly mayCallWhole: (world: World, actor: Actor) => boolean
  readonly mayHeal: (world: World, pack: string) => boolean
  /** Whether a reader that misses a pack reads the log again. */
  readonly readsAgain: boolean
}

export const rules: Rules = {
  fold: foldOne,
  opensFirst: true,
  looksAtOpen: true,
  notesDamageAtOpen: true,
  parentState: (state) => state,
  mayCommit,
  examine: (world) => examineAll(world),
  mayCondemn,
  mayCompact,
  upTo: (_, { memory }) => memory['upTo'] as number,
  copiesUnread: false,
  sweepsFirst: true,
  sweepable,
  removable,
  readBeforeListing: () => ({}),
  isLeftover,
  mayCallWhole,
  mayHeal,
  readsAgain: true,
}
