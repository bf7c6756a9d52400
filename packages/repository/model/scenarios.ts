import { backup } from './backup.ts'
import { close, compact, condemn, copy, examine, list, look, open, remove, removeLeftovers, sweep } from './collector.ts'
import type { CollectorOptions } from './collector.ts'
import { broughtBack, damaged, forgotten, healed, madeSnapshot } from './history.ts'
import { endWriter, forget } from './ending.ts'
import { rotate, steal } from './key-changes.ts'
import { findCopy, heal, readPack, rot, tell } from './damage.ts'
import { openSnapshot, readChunk } from './reader.ts'
import { scenario } from './scenario.ts'
import type { Scenario } from './scenario.ts'
import { emptyWorld, snapshotHex } from './world.ts'
import type { World } from './world.ts'

const rewrite = (rewrites: CollectorOptions['rewrites'] = 'wasteful') => [examine, copy({ rewrites }), compact]
const collect = [examine, condemn, sweep, remove]
const forgetEntry = (name: string) => ({ kind: 'FORGET' as const, time: 0, snapshots: [Buffer.from(snapshotHex(name), 'hex')] })

/** A stores a and b, B uses b of it and stores c; A is forgotten, so that half of A0 is dead. */
const halfDead = (): World => forgotten(madeSnapshot(madeSnapshot(emptyWorld(), 'A', 'ab'), 'B', 'c', { b: 'A0' }), 'A')
const two = (): World => madeSnapshot(madeSnapshot(emptyWorld(), 'A', 'ab'), 'B', 'c', { b: 'A0' })
const one = (): World => madeSnapshot(emptyWorld(), 'A', 'ab')

/** B uses three packs. */
const three = (): World => madeSnapshot(madeSnapshot(madeSnapshot(emptyWorld(), 'A', 'b'), 'P', 'x'), 'B', 'c', { b: 'A0', x: 'P0' })

/** Chunk b of A and B is lost in A0; P has stored it again in P0 with d, and Q, which does not need it, uses P0 for d. */
const lost = (): World => {
  const stored = madeSnapshot(damaged(madeSnapshot(madeSnapshot(emptyWorld(), 'A', 'ab'), 'B', 'c', { b: 'A0' }), 'b', 'A0'), 'P', 'bd')
  return madeSnapshot(stored, 'Q', 'e', { d: 'P0' })
}

/** As before, but healed, and then A0 came back: A and B have two copies of b. */
const twice = (): World => broughtBack(healed(lost(), 'b', 'P0'), 'b', 'A0')

export const scenarios: readonly Scenario[] = [
  scenario('two backups, a snapshot forgotten, a collector', one, {
    W: backup({ wants: 'ab', anyParent: true }),
    V: backup({ wants: 'ac', anyParent: true }),
    F: [forget('AWV'), forget('AWV')],
    C: [open, ...collect, close],
    E: [endWriter('W')],
  }),
  scenario('two collectors, one backup', one, {
    W: backup({ wants: 'ab', anyParent: true }),
    F: [forget('A')],
    C: [open, ...collect, close],
    D: [open, ...collect],
    E: [endWriter('C')],
  }),
  scenario('compaction beside two backups', two, {
    W: backup({ wants: 'bd', anyParent: true }),
    V: backup({ wants: 'ab', anyParent: true, keepsRows: false }),
    F: [forget('A')],
    C: [open, ...rewrite(), sweep, remove],
  }),
  scenario('compaction twice, a child of what was compacted', halfDead, {
    W: backup({ wants: 'bd' }),
    C: [open, ...rewrite('all'), ...rewrite('all'), sweep, remove],
    R: [openSnapshot('B'), readChunk('B', 'b'), readChunk('B', 'c')],
  }),
  scenario('two collectors compact the same packs', halfDead, {
    C: [open, ...rewrite('all'), sweep, remove],
    D: [open, ...rewrite('all'), ...rewrite('all'), sweep, remove],
    E: [endWriter('C')],
  }),
  scenario('two collectors compact, one of them two times, and a backup', halfDead, {
    C: [open, ...rewrite('wasteful'), ...rewrite('wasteful'), sweep],
    D: [open, ...rewrite('all'), ...rewrite('wasteful'), sweep],
    W: backup({ wants: 'bd' }),
  }),
  scenario(
    'two collectors rewrite any packs',
    three,
    {
      C: [open, ...rewrite('any'), ...rewrite('any')],
      D: [open, ...rewrite('any'), ...rewrite('any'), ...rewrite('any')],
    },
    { isLarge: true },
  ),
  scenario(
    'two collectors with two copies of a chunk',
    three,
    {
      C: [open, ...rewrite('any'), ...rewrite('any')],
      D: [open, ...rewrite('any'), ...rewrite('any'), ...rewrite('any')],
    },
    { prelude: ['C OPEN', 'C examines', 'C copies bc', 'D OPEN', 'D examines', 'C COMPACT', 'D copies cx', 'D COMPACT'] },
  ),
  scenario('two copies of a chunk, one rots', twice, {
    X: [rot('b', 'P0'), readPack('P0'), tell],
    C: [open, ...rewrite('any'), sweep, remove],
    W: backup({ wants: 'bd' }),
  }),
  scenario('what heals is no snapshot’s', () => forgotten(forgotten(forgotten(healed(lost(), 'b', 'P0'), 'A'), 'B'), 'P'), {
    C: [open, ...rewrite(), ...rewrite(), sweep, remove],
    W: backup({ wants: 'bd' }),
    V: backup({ wants: 'bde' }),
    R: [openSnapshot('W'), readChunk('W', 'b'), readChunk('W', 'd')],
  }),
  scenario('leftovers of writers that end', one, {
    W: backup({ wants: 'ad', anyParent: true }),
    E: [endWriter('W')],
    C: [open, look, list, removeLeftovers, close],
    G: [endWriter('D')],
    D: [open, ...rewrite('all'), sweep, remove],
  }),
  scenario('the keys are rotated', two, {
    K: [rotate],
    W: backup({ wants: 'bd' }),
    T: [steal(forgetEntry('B'))],
    C: [open, ...rewrite('all'), sweep, remove],
    F: [forget('A')],
  }),
  scenario('a reader beside collection', halfDead, {
    R: [openSnapshot('B'), readChunk('B', 'b'), readChunk('B', 'c')],
    C: [open, ...rewrite('all'), sweep, remove, close],
    D: [open, ...rewrite('all'), sweep, remove],
    F: [forget('B')],
  }),
  scenario('damage, and the next backups', two, {
    X: [rot('b', 'A0'), readPack('A0'), tell],
    Y: [readPack('A0'), tell],
    W: backup({ wants: 'bd' }),
    V: backup({ wants: 'bc' }),
    H: [findCopy('b'), heal('b')],
  }),
  scenario('damage, healing and collection', two, {
    X: [rot('b', 'A0'), readPack('A0'), tell],
    W: backup({ wants: 'bd' }),
    F: [forget('AWB')],
    H: [findCopy('b'), heal('b')],
    C: [open, examine, condemn, copy(), compact, sweep, remove],
  }),
  scenario('a copy that heals, while it is compacted', lost, {
    F: [forget('APQ'), forget('APQ')],
    H: [findCopy('b'), heal('b')],
    C: [open, examine, condemn, copy(), compact, sweep, remove],
    W: backup({ wants: 'bd', anyParent: true }),
  }),
  scenario('a copy that heals, while all is compacted twice', lost, {
    F: [forget('AP')],
    H: [findCopy('b'), heal('b')],
    C: [open, ...rewrite(), ...rewrite('any'), sweep, remove],
    W: backup({ wants: 'bf' }),
  }),
  scenario(
    'large: two backups, two collectors, a reader',
    two,
    {
      W: backup({ wants: 'bd', anyParent: true }),
      V: backup({ wants: 'ab' }),
      F: [forget('A'), forget('AB')],
      C: [open, ...rewrite(), ...collect, close],
      D: [open, ...collect, ...rewrite(), close],
      R: [openSnapshot('B'), readChunk('B', 'b')],
    },
    { isLarge: true },
  ),
  scenario(
    'large: damage, healing, two collectors, two backups',
    lost,
    {
      F: [forget('APQ'), forget('APQ')],
      H: [findCopy('b'), heal('b')],
      C: [open, ...rewrite('any'), ...rewrite('any'), sweep, remove],
      D: [open, ...rewrite(), ...collect],
      W: backup({ wants: 'bd', anyParent: true }),
      Y: [readPack('P0'), tell],
    },
    { isLarge: true },
  ),
  scenario(
    'large: a rotation in the middle of all',
    two,
    {
      K: [rotate],
      T: [steal(forgetEntry('B')), steal(forgetEntry('W'))],
      W: backup({ wants: 'bd', anyParent: true }),
      V: backup({ wants: 'ac', anyParent: true }),
      F: [forget('A')],
      C: [open, ...rewrite('all'), ...collect, close],
      E: [endWriter('W')],
    },
    { isLarge: true },
  ),
  scenario(
    'large: leftovers beside everything',
    two,
    {
      W: backup({ wants: 'bd', anyParent: true }),
      V: backup({ wants: 'ae' }),
      E: [endWriter('W')],
      G: [endWriter('C')],
      F: [forget('AB')],
      C: [open, ...rewrite('all'), sweep, remove],
      D: [open, look, list, removeLeftovers, ...collect, close],
    },
    { isLarge: true },
  ),
]
