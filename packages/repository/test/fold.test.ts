import { createHash } from 'node:crypto'
import { test } from 'tap'
import type { Entry } from '../src/log/entry.ts'
import { beginState, fold } from '../src/log/fold.ts'
import { packId } from '../src/log/new-packs.ts'
import { encodePackNumbers, packNumber } from '../src/log/pack-numbers.ts'
import type { Genesis, Payload, SnapshotEntry } from '../src/log/payload.ts'
import { isPayload } from '../src/log/payload-shape.ts'
import { encodeTagsByPack } from '../src/log/tags-by-pack.ts'
import type { LogState } from '../src/log/state.ts'

const [anna, ben, prune] = [1, 2, 9].map((byte) => Buffer.alloc(8, byte))
let compacted = 0
const genesis: Genesis = { kind: 'GENESIS', time: 0, tool: 't', tag_algorithm: 'sha256', marker: Buffer.alloc(32), slots: [] }

test('a SNAPSHOT of an open writer makes a snapshot and ends the writer', async (t) => {
  const state = after(open(anna), snapshot(anna, 'a', 2))
  t.equal(state.snapshots.size, 1)
  t.equal(state.writers.size, 0)
  t.same([...state.packs.keys()], [packNumber(2, 0), packNumber(2, 1)])
  t.equal(state.packsById.get(packId(anna, 1))?.number, packNumber(2, 1))
})

test('a SNAPSHOT or ABORT after the end of its OPEN, or without one, has no effect', async (t) => {
  t.equal(after(snapshot(anna, 'a', 1)).snapshots.size, 0)
  t.equal(after(open(anna), abort(anna), snapshot(anna, 'a', 1)).snapshots.size, 0)
  t.equal(after(open(anna), snapshot(anna, 'a', 1), snapshot(anna, 'b', 1)).snapshots.size, 1)
  const late = after(open(anna), snapshot(anna, 'a', 1), abort(anna))
  t.equal(late.snapshots.size, 1)
  t.equal(after(open(anna), abort(anna), open(ben)).writers.size, 1)
})

test('folding changes no state that was handed out', async (t) => {
  const before = after(open(anna))
  const [writers, snapshots] = [before.writers.size, before.snapshots.size]
  fold(before, entries(before.head.n + 1, [snapshot(anna, 'a', 1), open(ben), { kind: 'LATER', time: 0 } as unknown as Payload]))
  t.same([before.writers.size, before.snapshots.size, before.laterKinds.size], [writers, snapshots, 0])
})

test('folding in one go and entry by entry lead to the same state', async (t) => {
  const all = [
    open(anna),
    open(ben),
    snapshot(anna, 'a', 1),
    snapshot(ben, 'b', 1, [packNumber(3, 0)]),
    open(prune),
    condemn(packNumber(9, 9)),
    abort(prune),
  ]
  const atOnce = after(...all)
  let one = after()
  for (const entry of entries(1, all)) one = fold(one, [entry])
  t.same(one, atOnce)
})

test('a SNAPSHOT that uses a pack which was swept, or never was, has no effect', async (t) => {
  t.equal(after(open(anna), snapshot(anna, 'a', 1, [packNumber(7, 0)])).snapshots.size, 0)
  const swept = [...forgotten(), open(prune), condemn(packNumber(2, 0)), sweep(packNumber(2, 0))]
  t.equal(after(...swept).packs.size, 0)
  t.equal(after(...swept, open(ben), snapshot(ben, 'b', 1, [packNumber(2, 0)])).snapshots.size, 0)
})

test('a SNAPSHOT that brings a pack a second time has no effect', async (t) => {
  const once = [open(anna), snapshot(anna, 'a', 1)]
  t.equal(after(...once, open(anna), snapshot(anna, 'b', 1)).snapshots.size, 1)
  const [pack] = snapshot(anna, 'a', 1).packs
  t.equal(after(open(anna), { ...snapshot(anna, 'a', 1), packs: [pack, pack] }).snapshots.size, 0)
})

test('a CONDEMN of a pack that a snapshot uses has no effect', async (t) => {
  t.equal(after(open(anna), snapshot(anna, 'a', 1), condemn(packNumber(2, 0))).condemned.size, 0)
  t.equal(after(...forgotten(), condemn(packNumber(2, 0))).condemned.size, 1)
})

test('a SNAPSHOT that uses a condemned pack brings it back', async (t) => {
  const all = [
    ...forgotten(),
    open(ben),
    open(prune),
    condemn(packNumber(2, 0)),
    snapshot(ben, 'b', 0, [packNumber(2, 0)]),
    sweep(packNumber(2, 0)),
  ]
  const state = after(...all)
  t.equal(state.condemned.size, 0)
  t.ok(state.packs.has(packNumber(2, 0)), 'the SWEEP came too late')
})

test('a SWEEP while a writer from before the CONDEMN is open has no effect; a later writer does not hinder it', async (t) => {
  const early = [...forgotten(), open(ben), open(prune), condemn(packNumber(2, 0))]
  t.ok(after(...early, sweep(packNumber(2, 0))).packs.has(packNumber(2, 0)))
  t.notOk(after(...early, abort(ben), sweep(packNumber(2, 0))).packs.has(packNumber(2, 0)))
  const later = [...forgotten(), open(prune), condemn(packNumber(2, 0)), open(ben), sweep(packNumber(2, 0))]
  t.notOk(after(...later).packs.has(packNumber(2, 0)))
  t.ok(after(...forgotten(), sweep(packNumber(2, 0))).packs.has(packNumber(2, 0)), 'it was never condemned')
})

test('an entry of an older epoch after a KEY entry has no effect', async (t) => {
  const state = after(open(anna), { kind: 'KEY', time: 0, epoch: 2, slots: [] })
  const [entry] = entries(3, [snapshot(anna, 'a', 1)])
  t.equal(fold(state, [entry]).snapshots.size, 0)
  t.equal(fold(state, [{ ...entry, epoch: 2 }]).snapshots.size, 1)
})

test('a VOID that names the bytes of a lost entry takes it off the list', async (t) => {
  const digest = Buffer.alloc(32, 5)
  const state = fold(after(open(anna)), [
    { n: 2, digest, reason: 'test' },
    { n: 3, digest: undefined, reason: 'missing' },
  ])
  t.equal(state.lost.size, 2)
  const voids = (n: number, bytes: Uint8Array): Payload => ({ kind: 'VOID', time: 0, n, digest: bytes })
  t.equal(fold(state, entries(4, [voids(2, Buffer.alloc(32)), voids(3, digest)])).lost.size, 2)
  t.equal(fold(state, entries(4, [voids(2, digest), voids(3, Buffer.alloc(0))])).lost.size, 0)
})

test('kinds that are not known are remembered, and so is what an entry requires', async (t) => {
  const state = after({ kind: 'TELEPORT', time: 0, requires: { write: ['teleport'] } } as unknown as Payload)
  t.same([...state.laterKinds], ['TELEPORT'])
  t.same(state.requires, { read: [], write: ['teleport'], collect: [] })
})

test('a boot that passes proves a snapshot until a drill of it fails; a walk proves nothing and takes nothing away', async (t) => {
  const drills = (...results: readonly (readonly ['walked' | 'booted', boolean])[]) => {
    const made = after(open(anna), snapshot(anna, 'a', 1), ...results.map(([level, passed], at) => drilled('a', level, passed, at)))
    return [...made.snapshots.values()][0].drill
  }
  t.equal(drills(), undefined)
  t.same(drills(['booted', true]), { time: 0, level: 'booted', passed: true, note: '', proven: true })
  t.same(drills(['walked', true]), { time: 0, level: 'walked', passed: true, note: '', proven: false })
  t.same(drills(['booted', true], ['walked', true]), { time: 1, level: 'walked', passed: true, note: '', proven: true })
  t.same(drills(['booted', true], ['walked', false]), { time: 1, level: 'walked', passed: false, note: '', proven: false })
  t.same(drills(['booted', true], ['walked', false], ['walked', true])?.proven, false)
  t.same(drills(['booted', false], ['booted', true])?.proven, true)
})

test('a DRILLED of a snapshot that is not there has no effect, and a forgotten one takes its drill along', async (t) => {
  t.equal(after(drilled('a', 'booted', true)).snapshots.size, 0)
  t.equal(after(open(anna), snapshot(anna, 'a', 1), drilled('a', 'booted', true), forget('a')).snapshots.size, 0)
})

test('the drill of a snapshot stays with it when others change its packs', async (t) => {
  const before = [open(anna), snapshot(anna, 'a', 1), drilled('a', 'booted', true), open(prune)]
  const state = after(...before, compact([packNumber(2, 0)], [0], 1, 4))
  const [record] = [...state.snapshots.values()]
  t.same(record.packs, [packNumber(5, 0)])
  t.equal(record.drill?.proven, true)
})

test('an OPEN that comes twice counts from the first', async (t) => {
  t.equal(after(open(anna), open(ben), open(anna)).writers.get('01'.repeat(8))?.entry, 1)
})

test('CHECKED is remembered with each pack, the newest one, until the pack is swept', async (t) => {
  const checked = (...packs: number[]): Payload => ({ kind: 'CHECKED', time: 0, packs: encodePackNumbers(packs) })
  const [one, two] = [packNumber(2, 0), packNumber(2, 1)]
  const read = [open(anna), snapshot(anna, 'a', 2), checked(one, two, packNumber(9, 9)), checked(two)]
  t.same(
    [...after(...read).checked],
    [
      [one, 3],
      [two, 4],
    ],
  )
  const swept = [...forgotten(), checked(one), open(prune), condemn(one), sweep(one)]
  t.equal(after(...swept).checked.size, 0)
})

test('a COMPACT gives the snapshots that it examined new packs, and condemns the old ones that no other uses', async (t) => {
  const [old, later] = [packNumber(2, 0), packNumber(2, 1)]
  const made = [open(anna), snapshot(anna, 'a', 2), open(prune), open(ben), snapshot(ben, 'b', 0, [later])]
  const state = after(...made, compact([old, later], [0, 0], 1, 4))
  const into = packNumber(6, 0)
  t.same(
    [...state.snapshots.values()].map(({ packs }) => packs),
    [[into], [later]],
    'the second snapshot came after up_to',
  )
  t.same([...state.condemned], [[old, 6]])
  t.same([...state.replaced.values()], [[into], [into]])
  t.equal(state.writers.size, 1, 'the collector goes on')

  const again = fold(state, entries(7, [compact([later, into], [0, 1], 2, 6)]))
  t.same(
    [...again.snapshots.values()].map(({ packs }) => packs),
    [[packNumber(7, 1)], [packNumber(7, 0)]],
  )
  t.same(again.replaced.get(packId(anna, 0)), [into, packNumber(7, 1)], 'what was led to a pack is led on')
  t.same(again.replaced.get(packId(anna, 1)), [into, packNumber(7, 1), packNumber(7, 0)])
  const swept = fold(again, entries(8, [sweep(old, later, into)]))
  t.same(swept.replaced.get(packId(anna, 0)), [packNumber(7, 1)])
  t.equal(swept.packs.size, 2)
})

test('a COMPACT without an open writer, of a pack that is gone, or of what nobody examined yet has no effect', async (t) => {
  const made = [open(anna), snapshot(anna, 'a', 1)]
  const old = packNumber(2, 0)
  t.equal(after(...made, compact([old], [0], 1, 2)).packs.size, 1)
  t.equal(after(...made, open(prune), compact([old], [0], 1, 4)).packs.size, 1)
  t.equal(after(...made, open(prune), compact([old, packNumber(2, 1)], [0, 0], 1, 2)).packs.size, 1)
  t.equal(after(...made, open(prune), compact([old], [0], 1, 3)).packs.size, 2)
})

test('a COMPACT of what was examined before chunks went elsewhere has no effect', async (t) => {
  const [one, two] = [packNumber(2, 0), packNumber(2, 1)]
  const made = [open(anna), snapshot(anna, 'a', 2), open(prune), open(ben)]
  const others = (old: number[]): Payload =>
    ({
      ...compact(
        old,
        old.map(() => 0),
        1,
        4,
      ),
      writer: ben,
    }) as Payload
  const tags = encodeTagsByPack(new Map([[two, ['01'.repeat(16)]]]))
  const damaged: Payload = { kind: 'DAMAGED', time: 0, ...tags }
  const checked: Payload = { kind: 'CHECKED', time: 0, packs: encodePackNumbers([one, two]) }
  const into = (state: LogState, upTo: number): boolean =>
    fold(state, entries(state.head.n + 1, [compact([one], [0], 1, upTo)])).replaced.get(packId(anna, 0))?.length === 1
  t.ok(into(after(...made), 3))
  t.notOk(into(after(...made), 2), 'it was examined before the OPEN')
  for (const change of [others([two]), damaged, { kind: 'HEAL', time: 0, ...tags } as const]) {
    t.notOk(into(after(...made, change), 4), change.kind)
    t.ok(into(after(...made, change), 5), `examined after ${change.kind}`)
  }
  t.ok(into(after(...made, checked), 4), 'nothing was damaged')
  t.notOk(into(after(...made, damaged, checked), 5), 'a pack came back')
  t.ok(into(after(...made, compact([two], [0], 1, 4)), 4), 'its own one is taken into account')
  t.notOk(into(after(...made, { kind: 'FORGET', time: 0, snapshots: [] }, compact([two], [0], 1, 5)), 4), 'it has looked again since')
})

test('a COMPACT whose packs are there already has no effect', (t) => {
  const [one, two] = [packNumber(2, 0), packNumber(2, 1)]
  const first = compact([one], [0], 1, 3)
  const state = after(open(anna), snapshot(anna, 'a', 2), open(prune), first, { ...first, old: encodePackNumbers([two]) } as Payload)
  t.same([...state.packs.keys()], [one, two, packNumber(4, 0)])
  t.same([...state.condemned.keys()], [one])
  t.end()
})

test('a SNAPSHOT that names an old pack after the COMPACT keeps it', async (t) => {
  const old = packNumber(2, 0)
  const all = [
    open(anna),
    snapshot(anna, 'a', 1),
    open(ben),
    open(prune),
    compact([old], [0], 1, 4),
    snapshot(ben, 'b', 0, [old]),
    sweep(old),
  ]
  const state = after(...all)
  t.same([...state.snapshots.values()].at(-1)!.packs, [old])
  t.ok(state.packs.has(old))
  t.equal(state.condemned.size, 0)
})

test('chunks that are lost are noted with their pack, and a HEAL gives them to all snapshots that use it', async (t) => {
  const [broken, whole] = [packNumber(2, 0), packNumber(4, 0)]
  const [one, two] = ['01'.repeat(16), '02'.repeat(16)]
  const damaged: Payload = {
    kind: 'DAMAGED',
    time: 0,
    ...encodeTagsByPack(
      new Map([
        [broken, [one, two]],
        [packNumber(9, 9), [one]],
      ]),
    ),
  }
  const heal: Payload = { kind: 'HEAL', time: 0, ...encodeTagsByPack(new Map([[whole, [one]]])) }
  const made = [open(anna), snapshot(anna, 'a', 1), open(ben), snapshot(ben, 'b', 1), damaged]
  t.same([...after(...made).damaged], [[broken, { entry: 5, tags: new Set([one, two]) }]])
  const state = after(...made, heal, open(anna), snapshot(anna, 'c', 0, [broken]))
  t.same(
    [...state.snapshots.values()].map(({ packs }) => packs),
    [[broken, whole], [whole], [broken, whole]],
  )
  t.same([...state.healed], [[one, [whole]]])
  const gone: Payload = { kind: 'HEAL', time: 0, ...encodeTagsByPack(new Map([[packNumber(9, 9), [one]]])) }
  t.equal(after(...made, gone).healed.size, 0)
  const found: Payload = { kind: 'CHECKED', time: 0, packs: encodePackNumbers([broken]) }
  t.equal(after(...made, found).damaged.size, 0, 'the pack came back')
})

test('a HEAL brings a condemned pack back', async (t) => {
  const [broken, whole] = [packNumber(2, 0), packNumber(4, 0)]
  const tags = (number: number) => encodeTagsByPack(new Map([[number, ['01'.repeat(16)]]]))
  const made = [open(anna), snapshot(anna, 'a', 1), open(ben), snapshot(ben, 'b', 1)]
  const id = [...after(...made).snapshots.keys()].at(-1)!
  const forget: Payload = { kind: 'FORGET', time: 0, snapshots: [Buffer.from(id, 'hex')] }
  const all: Payload[] = [...made, forget, open(prune), condemn(whole), { kind: 'DAMAGED', time: 0, ...tags(broken) }]
  t.equal(after(...all).condemned.size, 1)
  t.equal(after(...all, { kind: 'HEAL', time: 0, ...tags(whole) }, sweep(whole)).packs.size, 2)
})

test('columns of entries that do not fit each other are no entries of this format', async (t) => {
  const good = encodeTagsByPack(new Map([[packNumber(2, 0), ['01'.repeat(16)]]]))
  t.ok(isPayload({ kind: 'HEAL', time: 0, ...good }))
  t.notOk(isPayload({ kind: 'HEAL', time: 0, ...good, tags: Buffer.alloc(15) }))
  t.notOk(isPayload({ kind: 'DAMAGED', time: 0, ...good, counts: Buffer.of(2) }))
  t.notOk(isPayload({ kind: 'DAMAGED', time: 0, ...good, counts: Buffer.of(1, 1) }))
  const whole = compact([packNumber(2, 0)], [0], 1, 2)
  t.ok(isPayload(whole))
  t.notOk(isPayload({ ...whole, into: Buffer.of(1) }))
  t.notOk(isPayload({ ...whole, into: Buffer.of(0, 0) }))
  t.notOk(isPayload({ ...whole, into: Buffer.alloc(0) }))
})

/** One snapshot, made by entry 2 with one pack, and forgotten. */
function forgotten(): Payload[] {
  const made = after(open(anna), snapshot(anna, 'a', 1))
  return [
    open(anna),
    snapshot(anna, 'a', 1),
    { kind: 'FORGET', time: 0, snapshots: [...made.snapshots.keys()].map((id) => Buffer.from(id, 'hex')) },
  ]
}

function after(...payloads: Payload[]): LogState {
  return fold(beginState({ ...entries(0, [genesis])[0], payload: genesis }), entries(1, payloads))
}

function entries(first: number, payloads: readonly Payload[]): Entry[] {
  return payloads.map((payload, index) => ({
    n: first + index,
    epoch: 1,
    previous: Buffer.alloc(32),
    payload,
    digest: Buffer.alloc(32, first + index),
  }))
}

function open(writer: Uint8Array): Payload {
  return { kind: 'OPEN', time: 0, writer, tool: 't', host: 'h', boot: '', pid: 1 }
}

function abort(writer: Uint8Array): Payload {
  return { kind: 'ABORT', time: 0, writer, reason: 'test' }
}

function snapshot(writer: Uint8Array, manifest: string, newPacks: number, uses: number[] = []): SnapshotEntry {
  const packs = Array.from({ length: newPacks }, (_, counter) => ['D', counter, 1, 1, Buffer.alloc(32)] as const)
  return { kind: 'SNAPSHOT', time: 0, writer, packs, uses: encodePackNumbers(uses), manifest: Buffer.from(manifest) }
}

/** Of the snapshot with that manifest. */
function drilled(manifest: string, level: 'walked' | 'booted', passed: boolean, time = 0): Payload {
  return { kind: 'DRILLED', time, snapshot: idOf(manifest), level, passed, note: '' }
}

function forget(manifest: string): Payload {
  return { kind: 'FORGET', time: 0, snapshots: [idOf(manifest)] }
}

function idOf(manifest: string): Buffer {
  return createHash('sha256').update(manifest).digest()
}

/** Of the collector: so many new packs, for each old one the place of the one that it goes into. */
function compact(old: number[], into: number[], newPacks: number, upTo: number): Payload {
  compacted += newPacks
  const packs = Array.from({ length: newPacks }, (_, place) => ['D', compacted + place, 1, 1, Buffer.alloc(32)] as const)
  return { kind: 'COMPACT', time: 0, writer: prune, packs, old: encodePackNumbers(old), into: Buffer.from(into), up_to: upTo }
}

function condemn(...packs: number[]): Payload {
  return { kind: 'CONDEMN', time: 0, packs: encodePackNumbers(packs) }
}

function sweep(...packs: number[]): Payload {
  return { kind: 'SWEEP', time: 0, writer: prune, packs: encodePackNumbers(packs) }
}
