import { test } from 'tap'
import { checkpointContent, encodeCheckpoint, openCheckpoint } from '../../src/checkpoint/checkpoint.ts'
import { keyRing } from '../../src/keys/key-ring.ts'
import type { Bundle } from '../../src/keys/key-ring.ts'
import type { Entry } from '../../src/log/entry.ts'
import { beginState, fold } from '../../src/log/fold.ts'
import type { Genesis, Key, SlotRecord } from '../../src/log/payload.ts'
import type { LogState } from '../../src/log/state.ts'
import { decode, encode } from '../../src/msgpack.ts'
import { padme } from '../../src/padme.ts'
import { headerStart, magics, u32 } from '../../src/format.ts'
import { sealUnit } from '../../src/sealed-unit.ts'
import { dice, noise } from '../made-repository.ts'
import { mutants } from '../mutants.ts'
import { randomPayload } from './random-history.ts'
import { zstdCompressSync } from 'node:zlib'

const bundles = [1, 2, 3, 4].map((epoch): Bundle => ({
  epoch,
  m: Buffer.alloc(32, epoch),
  d: Buffer.alloc(32, 9),
  tagKey: Buffer.alloc(64),
}))
const ring = keyRing(Buffer.alloc(16, 5), bundles)
const slot = (epoch: number): SlotRecord => ({
  id: Buffer.alloc(8, epoch),
  kind: 'key-file',
  public_key: Buffer.alloc(32, 3),
  epoch,
  digest: Buffer.alloc(32, epoch),
})
const payload: Genesis = { kind: 'GENESIS', time: 7, tool: 't', tag_algorithm: 'sha256', marker: Buffer.alloc(32), slots: [slot(1)] }
const genesis = { n: 0, epoch: 1, previous: Buffer.alloc(32), payload, digest: Buffer.alloc(32, 99) }

test('a state that was stored and read is the same, in every field, and so is what the entries after it make of it', async (t) => {
  const seen = new Map<string, number>()
  for (let seed = 0; seed < 40; seed++) {
    const random = dice(seed)
    let [state, fromCheckpoint]: [LogState, LogState] = [beginState(genesis), beginState(genesis)]
    for (let n = 1; n <= 150; n++) {
      const entry = await next(state, random)
      state = fold(state, [entry])
      fromCheckpoint = fold(fromCheckpoint, [entry])
      if (random() < 0.1) fromCheckpoint = (await stored(state))!
      for (const [field, value] of Object.entries(state))
        if (value instanceof Map && value.size > 1) seen.set(field, (seen.get(field) ?? 0) + 1)
      if ([...state.snapshots.values()].filter(({ drill }) => drill?.proven).length > 1) seen.set('proven', (seen.get('proven') ?? 0) + 1)
    }
    // How far back a reader began is the reader's own.
    t.same(plain({ ...fromCheckpoint, slotsSince: 0 }), plain({ ...state, slotsSince: 0 }), `seed ${seed}`)
    t.ok(checkpointContent(genesis.digest, fromCheckpoint).equals(checkpointContent(genesis.digest, state)))
  }
  const fields = [
    'writers',
    'packs',
    'packsById',
    'snapshots',
    'condemned',
    'checked',
    'replaced',
    'damaged',
    'healed',
    'epochs',
    'slotTimes',
    'proven',
  ]
  for (const field of fields) t.ok((seen.get(field) ?? 0) > 20, `${field} was tried: ${seen.get(field)}`)
})

test('its size is on a step, and an empty state has a small one', async (t) => {
  const bytes = await encodeCheckpoint(ring, genesis.digest, beginState(genesis))
  t.equal(padme(bytes.length), bytes.length)
  t.ok(bytes.length < 1200, `${bytes.length} bytes`)
})

test('a byte that is flipped, a cut, another number, another repository and other keys make it none', async (t) => {
  const state = await made(3)
  const bytes = await encodeCheckpoint(ring, genesis.digest, state)
  const { n } = state.head
  t.ok(await openCheckpoint(ring, n, bytes, genesis))
  for (let at = 0; at < bytes.length; at += 1) {
    const other = Buffer.from(bytes)
    other[at] ^= 1
    if ((await openCheckpoint(ring, n, other, genesis)) !== undefined) t.fail(`byte ${at}`)
  }
  for (const length of [0, 10, 72, 135, bytes.length - 1])
    t.equal(await openCheckpoint(ring, n, bytes.subarray(0, length), genesis), undefined)
  t.equal(await openCheckpoint(ring, n + 1, bytes, genesis), undefined)
  t.equal(await openCheckpoint(keyRing(Buffer.alloc(16, 6), bundles), n, bytes, genesis), undefined)
  t.equal(
    await openCheckpoint(keyRing(ring.repositoryId, [{ ...bundles[0], epoch: state.epoch, m: noise(32, 'm') }]), n, bytes, genesis),
    undefined,
  )
  t.equal(await openCheckpoint(ring, n, bytes, { ...genesis, digest: Buffer.alloc(32, 98) }), undefined)
})

test('one of another writer is taken or passed over, whatever it holds, and never a fault', async (t) => {
  const state = await made(4)
  const content = decode(checkpointContent(genesis.digest, state))
  let [taken, passed] = [0, 0]
  const inputs = [...mutants(content)].map((mutant) => encode(mutant))
  const random = dice(1)
  for (let turn = 0; turn < 2000; turn++) {
    const noisy = checkpointContent(genesis.digest, state)
    for (let change = 0; change <= turn % 4; change++) noisy[Math.floor(random() * noisy.length)] = Math.floor(random() * 256)
    inputs.push(noisy)
  }
  for (const input of inputs) {
    const opened = await openCheckpoint(ring, state.head.n, sealed(state, input), genesis)
    if (opened === undefined) passed += 1
    else taken += 1
  }
  t.ok(passed > 500, `${passed} passed over, ${taken} taken`)
})

test('one that unpacks to more than it says, or says too much, is passed over', async (t) => {
  const state = await made(5)
  const content = checkpointContent(genesis.digest, state)
  const { n } = state.head
  t.ok(await openCheckpoint(ring, n, sealed(state, content), genesis))
  t.equal(await openCheckpoint(ring, n, sealed(state, content, content.length - 1), genesis), undefined)
  t.equal(await openCheckpoint(ring, n, sealed(state, content, content.length + 1), genesis), undefined)
  t.equal(await openCheckpoint(ring, n, sealed(state, content, 2 ** 31), genesis), undefined)
  t.equal(await openCheckpoint(ring, n, sealed(state, Buffer.alloc(10_000_000), 100), genesis), undefined)
})

async function made(seed: number): Promise<LogState> {
  const random = dice(seed)
  let state = beginState(genesis)
  for (let n = 1; n <= 60; n++) state = fold(state, [await next(state, random)])
  return state
}

/** The next entry of a random history; sometimes with new keys. */
async function next(state: LogState, random: () => number): Promise<Entry> {
  const n = state.head.n + 1
  const rotates = state.epoch < bundles.length && random() < 0.02
  const key: Key = { kind: 'KEY', time: n, epoch: state.epoch + 1, slots: [...state.slots, slot(state.epoch + 1)] }
  const head = { n, epoch: state.epoch, previous: state.head.digest, digest: noise(32, `${n}`) }
  return { ...head, payload: decode(encode(rotates ? key : randomPayload(state, random))) as Entry['payload'] }
}

async function stored(state: LogState): Promise<LogState | undefined> {
  return openCheckpoint(ring, state.head.n, await encodeCheckpoint(ring, genesis.digest, state), genesis)
}

function sealed(state: LogState, content: Uint8Array, length = content.length): Buffer {
  const numbers = Buffer.alloc(12)
  numbers.writeBigUInt64LE(BigInt(state.head.n))
  numbers.writeUInt32LE(state.epoch, 8)
  const header = Buffer.concat([headerStart(magics.checkpoint), numbers, ring.repositoryId, state.head.digest])
  const packed = zstdCompressSync(content)
  const unit = sealUnit(ring.workingKey(state.epoch, 'checkpoint'), header, [u32(packed.length), u32(length), packed])
  return Buffer.concat([header, unit])
}

/** Maps in one order, bytes in hex: what a state says, however it is held. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex')
  if (value instanceof Map) {
    const entries = [...value].map(([key, item]) => [key, plain(item)] as const)
    return entries.toSorted(([one], [other]) => (one < other ? -1 : 1))
  }
  if (value instanceof Set) return [...value].toSorted()
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
  return value
}
