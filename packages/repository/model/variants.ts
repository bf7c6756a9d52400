import type { Entry } from '../src/log/entry.ts'
import { decodePackNumbers, encodePackNumbers } from '../src/log/pack-numbers.ts'
import type { Compact, Heal, Payload, SnapshotEntry, Sweep } from '../src/log/payload.ts'
import type { LogState } from '../src/log/state.ts'
import { decodeTagsByPack } from '../src/log/tags-by-pack.ts'
import { examineAll, mayCompact } from './collector.ts'
import { rules } from './rules.ts'
import type { Rules } from './rules.ts'
import { foldOne, packHex, shortPack, shortName, writerHex } from './world.ts'
import type { Fold } from './world.ts'

/** The rules with one of them broken, and its double where somebody else keeps it as well. */
export interface Variant {
  /** What is broken. */
  readonly name: string
  /** Name of the scenario in which it does harm. */
  readonly scenario: string
  readonly rules: Rules
}

export const variants: readonly Variant[] = [...foldVariants(), ...actorVariants()]

function foldVariants(): Variant[] {
  const collection = 'two backups, a snapshot forgotten, a collector'
  const compaction = 'compaction beside two backups'
  const damage = 'damage, and the next backups'
  const healing = 'a copy that heals, while it is compacted'
  const allCondemned: Rules['sweepable'] = ({ state }) =>
    [...state.condemned.keys()].map((number) => shortPack(state.packs.get(number)!.id))
  return [
    variant('SWEEP takes packs away that a writer may have begun to use before their CONDEMN', collection, {
      fold: broken('SWEEP', (state, entry) => ({ ...foldOne({ ...state, writers: new Map() }, entry), writers: state.writers })),
      sweepable: allCondemned,
    }),
    variant('SNAPSHOT leaves condemned what it uses', collection, {
      fold: broken('SNAPSHOT', (state, entry) => ({ ...foldOne(state, entry), condemned: state.condemned })),
    }),
    variant('SWEEP takes away what no CONDEMN names', collection, {
      fold: broken('SWEEP', (state, entry) => {
        const named = decodePackNumbers((entry.payload as Sweep).packs).filter((number) => state.packs.has(number))
        return foldOne({ ...state, condemned: new Map([...named.map((number) => [number, -1] as const), ...state.condemned]) }, entry)
      }),
      sweepable: ({ state }, { memory }) =>
        (memory['examined'] as ReturnType<typeof examineAll>).dead.filter((pack) => state.packsById.has(packHex(pack))),
    }),
    variant('SNAPSHOT counts although it uses a pack that was swept', collection, {
      fold: broken('SNAPSHOT', (state, entry) => {
        const payload = entry.payload as SnapshotEntry
        const uses = encodePackNumbers(decodePackNumbers(payload.uses).filter((number) => state.packs.has(number)))
        return foldOne(state, { ...entry, payload: { ...payload, uses } })
      }),
      mayCommit: ({ state }, { name }) => state.writers.has(writerHex(name)),
      looksAtOpen: false,
    }),
    variant('SNAPSHOT counts although its writer was ended', 'leftovers of writers that end', {
      fold: broken('SNAPSHOT', (state, entry) => foldOne(reopened(state, entry), entry)),
      mayCommit: ({ state }, { memory }) => (memory['plan'] as { uses: string[] }).uses.every((pack) => state.packsById.has(packHex(pack))),
    }),
    variant('CONDEMN counts although a snapshot uses the pack', collection, {
      fold: broken('CONDEMN', (state, entry) => ({ ...foldOne({ ...state, snapshots: new Map() }, entry), snapshots: state.snapshots })),
      mayCondemn: ({ state }, pack) => state.packsById.has(packHex(pack)),
    }),
    variant('COMPACT acts on snapshots that were not examined', compaction, {
      fold: broken('COMPACT', (state, entry) =>
        foldOne(state, { ...entry, payload: { ...(entry.payload as Compact), up_to: entry.n - 1 } }),
      ),
    }),
    variant('COMPACT condemns old packs that a later snapshot uses', compaction, {
      fold: broken('COMPACT', (state, entry) => {
        const folded = foldOne(state, entry)
        const old = decodePackNumbers((entry.payload as Compact).old)
        return { ...folded, condemned: new Map([...folded.condemned, ...old.map((number) => [number, entry.n] as const)]) }
      }),
    }),
    variant('COMPACT counts although its writer was ended', 'leftovers of writers that end', {
      fold: broken('COMPACT', (state, entry) => foldOne(reopened(state, entry), entry)),
      mayCompact: ({ state }, { memory }) => (memory['old'] as string[]).every((pack) => state.packsById.has(packHex(pack))),
    }),
    variant('COMPACT counts although a HEAL came since the examination', healing, {
      fold: broken('HEAL', (state, entry) => ({ ...foldOne(state, entry), writers: state.writers })),
    }),
    variant('COMPACT counts although another COMPACT came since the examination', 'two collectors with two copies of a chunk', {
      fold: broken('COMPACT', (state, entry) => ({ ...foldOne(state, entry), writers: state.writers })),
    }),
    variant('COMPACT counts although a DAMAGED came since the examination', 'two copies of a chunk, one rots', {
      fold: broken('DAMAGED', (state, entry) => ({ ...foldOne(state, entry), writers: state.writers })),
    }),
    variant('COMPACT does not lead on who was led to an old pack', 'compaction twice, a child of what was compacted', {
      fold: broken('COMPACT', (state, entry) => {
        const folded = foldOne(state, entry)
        return { ...folded, replaced: new Map([...folded.replaced, ...state.replaced]) }
      }),
    }),
    variant('COMPACT does not lead on what heals', 'a copy that heals, while all is compacted twice', {
      fold: broken('COMPACT', (state, entry) => ({ ...foldOne(state, entry), healed: state.healed })),
    }),
    variant('entries under keys that were replaced count', 'the keys are rotated', {
      fold: (state, entry) => foldOne(state, { ...entry, epoch: state.epoch }),
    }),
    variant('HEAL does not give its packs to the snapshots that use damaged ones', damage, {
      fold: broken('HEAL', (state, entry) => ({ ...foldOne(state, entry), snapshots: state.snapshots })),
    }),
    variant('HEAL leaves condemned what it heals with', healing, {
      fold: broken('HEAL', (state, entry) => ({ ...foldOne(state, entry), condemned: state.condemned })),
    }),
    variant('HEAL counts although its pack was swept', healing, {
      fold: broken('HEAL', (state, entry) => {
        const swept = [...decodeTagsByPack(entry.payload as Heal).keys()].filter((number) => !state.packs.has(number))
        if (swept.length === 0) return foldOne(state, entry)
        const any = [...state.packs.values()][0]
        const packs = new Map([...state.packs, ...swept.map((number) => [number, { ...any, number }] as const)])
        return { ...foldOne({ ...state, packs }, entry), packs: state.packs }
      }),
      mayHeal: () => true,
    }),
    variant('SNAPSHOT does not use what heals its packs', damage, {
      fold: broken('SNAPSHOT', (state, entry) => ({ ...foldOne({ ...state, healed: new Map() }, entry), healed: state.healed })),
    }),
  ]
}

function actorVariants(): Variant[] {
  const collection = 'two backups, a snapshot forgotten, a collector'
  const leftovers = 'leftovers of writers that end'
  return [
    variant('a writer that lost an append does not look again', collection, { mayCommit: () => true }),
    variant('a writer commits although the keys were rotated', 'the keys are rotated', {
      mayCommit: (world, actor) => rules.mayCommit(world, { ...actor, memory: { ...actor.memory, epoch: world.state.epoch } }),
    }),
    variant('a collector compacts although the keys were rotated', 'the keys are rotated', {
      mayCompact: (world, actor) => mayCompact(world, { ...actor, memory: { ...actor.memory, epoch: world.state.epoch } }),
    }),
    variant('a writer takes chunks for known that are known to be lost', 'damage, and the next backups', {
      parentState: (state) => ({ ...state, damaged: new Map() }),
    }),
    variant('a writer keeps what it read of its parent before its OPEN although damage was noted since', 'damage, and the next backups', {
      notesDamageAtOpen: false,
    }),
    variant('an object is deleted before the SWEEP', collection, {
      sweepsFirst: false,
      removable: ({ state, objects }) =>
        [...state.condemned.keys()].map((number) => shortPack(state.packs.get(number)!.id)).filter((pack) => objects.has(pack)),
    }),
    variant('an object is deleted although the SWEEP had no effect', collection, {
      sweepable: ({ state }) => [...state.condemned.keys()].map((number) => shortPack(state.packs.get(number)!.id)),
      removable: (_, { memory }) => (memory['swept'] as string[] | undefined) ?? [],
    }),
    variant('what an open writer has stored is taken for leftovers', leftovers, {
      isLeftover: ({ state }, { name }, pack) => !state.packsById.has(packHex(pack)) && pack[0] !== name,
    }),
    variant('a pack is stored before its writer’s OPEN, and packs of unknown writers are taken for leftovers', leftovers, {
      opensFirst: false,
      isLeftover: ({ state }, _, pack) => !state.packsById.has(packHex(pack)) && !state.writers.has(writerHex(pack[0])),
    }),
    variant('the log is read before the packs are listed, and packs of unknown writers are taken for leftovers', leftovers, {
      readBeforeListing: ({ state }) => ({
        before: [...state.packs.values()].map(({ id }) => shortPack(id)),
        open: [...state.writers.keys()].map(shortName),
      }),
      isLeftover: (_, { memory }, pack) =>
        !(memory['before'] as string[]).includes(pack) && !(memory['open'] as string[]).includes(pack[0]),
    }),
    variant('COMPACT says that more was examined than was', 'compaction beside two backups', { upTo: ({ state }) => state.head.n }),
    variant('a collector leaves behind what heals', 'what heals is no snapshot’s', {
      examine: (world) => examineAll(world, { keepsHealing: false }),
    }),
    variant('a collector compacts a pack in which a snapshot has lost something', 'damage, healing and collection', {
      examine: (world) => examineAll(world, { keepsBroken: false }),
    }),
    variant('a collector copies what it could not read', 'damage, healing and collection', { copiesUnread: true }),
    variant('a pack is called whole that others found damaged since', 'damage, and the next backups', { mayCallWhole: () => true }),
    variant('a reader that misses a pack does not read the log again', 'a reader beside collection', { readsAgain: false }),
  ]
}

function variant(name: string, scenario: string, changes: Partial<Rules>): Variant {
  return { name, scenario, rules: { ...rules, ...changes } }
}

/** Folds entries of one kind in another way. */
function broken(kind: Payload['kind'], foldOther: Fold): Fold {
  return (state, entry) => (entry.payload.kind === kind && entry.epoch === state.epoch ? foldOther(state, entry) : foldOne(state, entry))
}

/** The state as if nobody had ended that writer. */
function reopened(state: LogState, { payload }: Entry): LogState {
  const { writer } = payload as SnapshotEntry
  const id = Buffer.from(writer).toString('hex')
  if (state.writers.has(id)) return state
  const open = { kind: 'OPEN', time: 0, writer, tool: '', host: '', boot: '', pid: 0, entry: 0, floor: 0 } as const
  return { ...state, writers: new Map([...state.writers, [id, open]]) }
}
