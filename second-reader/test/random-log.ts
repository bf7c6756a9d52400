import { createHash } from 'node:crypto'
import { memoryStore, type MemoryStore } from '../../packages/engine/src/testing/index.ts'
import { initRepository, type Secret } from '../../packages/repository/src/index.ts'
import { keyRing } from '../../packages/repository/src/keys/key-ring.ts'
import { openSlots } from '../../packages/repository/src/keys/open-slots.ts'
import { encodeEntry, entryName, openEntry, type Entry, type LostEntry } from '../../packages/repository/src/log/entry.ts'
import { beginState, fold } from '../../packages/repository/src/log/fold.ts'
import { encodePackNumbers } from '../../packages/repository/src/log/pack-numbers.ts'
import type { Genesis, NewPack, Payload } from '../../packages/repository/src/log/payload.ts'
import { packState } from '../../packages/repository/src/log/packed-state.ts'
import type { LogState } from '../../packages/repository/src/log/state.ts'
import { encodeTagsByPack } from '../../packages/repository/src/log/tags-by-pack.ts'
import { decodeMarker } from '../../packages/repository/src/marker.ts'
import { VarintWriter } from '../../packages/repository/src/varint.ts'

type Dice = () => number

/** A repository whose log is of random entries, many of them void, some lost; and the state that kpipe folds from them. */
export async function randomLog(seed: number, secret: Secret, entries: number): Promise<{ store: MemoryStore; state: LogState }> {
  const dice = diceOf(seed)
  const store = memoryStore()
  await initRepository({ store, keyFile: secret, recoveryPhrase: undefined, tagAlgorithm: 'sha256' })
  const { repositoryId } = decodeMarker((await store.read('repository'))!, 'here')
  const ring = keyRing(repositoryId, (await openSlots(store, repositoryId, secret)).bundles)
  const genesis = openEntry(ring, 0, (await store.read(entryName(0)))!) as Entry & { payload: Genesis }
  let state = beginState(genesis)
  let previous: Uint8Array = genesis.digest
  for (let n = 1; n <= entries; n++) {
    const bytes = encodeEntry(ring, { n, epoch: 1, previous }, payload(dice, n, state))
    previous = createHash('sha256').update(bytes).digest()
    const fate = dice()
    if (fate < 0.02) bytes[100]! ^= 1
    // The last one must be there: without it nobody knows that there was one.
    const isMissing = fate > 0.98 && n < entries
    if (!isMissing) await store.create(entryName(n), [bytes])
    const entry: Entry | LostEntry = isMissing ? { n, digest: undefined, reason: 'it is missing' } : openEntry(ring, n, bytes)
    state = fold(state, [entry])
  }
  return { store, state }
}

function payload(dice: Dice, n: number, state: LogState): Payload {
  const one = <Item>(items: readonly Item[]): Item => items[Math.floor(dice() * items.length)]!
  const some = <Item>(items: readonly Item[], share: number): Item[] => items.filter(() => dice() < share)
  const writer = Buffer.alloc(8, 1 + Math.floor(dice() * 4))
  // Now and then one that is not there.
  const known = dice() < 0.95 ? [...state.packs.keys()] : [...state.packs.keys(), 65_536]
  const packs = [...new Set(known)].toSorted((a, b) => a - b)
  const tag = (): string => Buffer.alloc(16, 1 + Math.floor(dice() * 5)).toString('hex')
  const tags = () => encodeTagsByPack(new Map(some(packs, 0.3).map((number) => [number, [...new Set([tag(), tag()])]])))
  // A writer's counters go on, as far as its entries follow each other.
  const fresh = (count: number): NewPack[] =>
    Array.from({ length: count }, (_, at) => [one(['D', 'M'] as const), n * 10 + at, 1000 + n, 200 + at, Buffer.alloc(32, n)])
  const old = some(packs, 0.3)
  const into = new VarintWriter()
  for (const _ of old) into.push(Math.floor(dice() * 2))
  const lost = [...state.lost.values()]
  const used = new Set([...state.snapshots.values()].flatMap((snapshot) => snapshot.packs))
  const kinds: (() => Payload)[] = [
    () => ({ kind: 'OPEN', time: n, writer, tool: 'test', host: 'here', boot: '', pid: n }),
    () => ({ kind: 'OPEN', time: n, writer, tool: 'test', host: 'here', boot: '', pid: n }),
    () => ({ kind: 'SNAPSHOT', time: n, writer, packs: fresh(1 + (n % 2)), uses: encodePackNumbers(old), manifest: Buffer.from(`m${n}`) }),
    () => ({ kind: 'SNAPSHOT', time: n, writer, packs: fresh(1), uses: encodePackNumbers(packs), manifest: Buffer.from(`m${n}`) }),
    () => ({ kind: 'ABORT', time: n, writer, reason: 'test' }),
    () => ({ kind: 'FORGET', time: n, snapshots: some([...state.snapshots.keys()], 0.4).map((id) => Buffer.from(id, 'hex')) }),
    () => ({ kind: 'CONDEMN', time: n, packs: encodePackNumbers(some(packs, 0.3).filter((number) => !used.has(number) || dice() < 0.1)) }),
    () => ({
      kind: 'SWEEP',
      time: n,
      writer,
      packs: encodePackNumbers(
        some(
          [...state.condemned.keys()].toSorted((a, b) => a - b),
          0.6,
        ),
      ),
    }),
    () => ({
      kind: 'COMPACT',
      time: n,
      writer,
      packs: fresh(2),
      old: encodePackNumbers(old),
      into: into.finish(),
      up_to: dice() < 0.8 ? n - 1 : Math.floor(dice() * (n + 2)),
    }),
    () => ({ kind: 'DAMAGED', time: n, ...tags() }),
    () => ({ kind: 'HEAL', time: n, ...tags() }),
    () => ({ kind: 'CHECKED', time: n, packs: encodePackNumbers(some(packs, 0.2)) }),
    () => ({
      kind: 'DRILLED',
      time: n,
      snapshot: Buffer.from(one(['00'.repeat(32), ...state.snapshots.keys(), ...state.snapshots.keys()]), 'hex'),
      level: one(['walked', 'booted'] as const),
      passed: dice() < 0.7,
      note: 'ä'.repeat(Math.floor(dice() * 20)),
    }),
  ]
  if (lost.length > 0 && dice() < 0.3) {
    const { n: gone, digest = new Uint8Array(0) } = one(lost)
    const isRight = dice() < 0.7
    const said: Payload = { kind: 'VOID', time: n, n: gone, digest: isRight ? digest : Buffer.alloc(32, 1) }
    return dice() < 0.5 ? { ...said, state: packState(state) } : said
  }
  return one(kinds)()
}

/** Mulberry32: numbers in [0, 1) that follow from the seed. */
function diceOf(seed: number): Dice {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
