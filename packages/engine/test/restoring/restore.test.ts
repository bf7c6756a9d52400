import { randomBytes } from 'node:crypto'
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { backup, type EncodedFrame, inspectSealed, restore, startWorkers, streamDigest, type Target } from '../../src/index.ts'
import type { PositionedTarget } from '../../src/contracts/index.ts'
import { countStage, lineStage, pageStage, shaStage, xorStage } from '../stages/loaded.ts'
import { MemorySink, secrets, sha256, tagKey } from '../stages/memory-sink.ts'
import { memorySource } from '../stages/memory-source.ts'

const pageBytes = 4096
const workers = startWorkers({ threads: 2 })
t.after(() => workers.close())
const signal = new AbortController().signal
const codec = async () => xorStage()

async function history(versions: readonly Uint8Array[], chunk = pageStage(pageBytes)): Promise<MemorySink> {
  let parent: MemorySink | undefined
  for (const bytes of versions) {
    const sink: MemorySink = new MemorySink(parent)
    await backup({
      stream: memorySource(bytes).stream,
      digest: streamDigest(),
      chunk,
      hash: shaStage,
      inspect: undefined,
      codecs: [xorStage()],
      workers,
      signal,
      tagKey,
      openSink: async (plan) => ({ sink, known: parent?.known(plan.id), secrets }),
      limits: { segmentBytes: 65_536, frameBytes: 65_536 },
    })
    parent = sink
  }
  return parent!
}

function target(bytes: number, ordered: boolean) {
  const memory = new Uint8Array(bytes)
  const state = { memory, committed: 0, aborted: 0, writes: 0, ordered: true }
  let at = 0
  const write = async (position: number, piece: Uint8Array) => {
    state.ordered &&= position === at
    at = position + piece.length
    state.writes++
    memory.set(piece, position)
  }
  const ending = { commit: async () => void state.committed++, abort: async () => void state.aborted++ }
  const read = async (position: number, into: Uint8Array) => {
    const piece = memory.subarray(position, position + into.length)
    into.set(piece)
    return piece.length
  }
  const made: Target = ordered ? { ordered: true, write, ...ending } : { ordered: false, write, read, ...ending }
  return { made, state }
}

function versions(count: number): Buffer[] {
  const all = [randomBytes(900_000 + 32)]
  for (let version = 1; version < count; version++) {
    const next = Buffer.from(all.at(-1)!)
    for (let page = version; page < 219; page += 7) next[page * pageBytes + 3] ^= version
    all.push(next)
  }
  return all
}

t.test('a stream spread over the frames of many snapshots comes back whole, by position and in order', async (t) => {
  const all = versions(6)
  const bytes = all.at(-1)!
  const stream = (await history(all)).sealed(sha256(bytes), pageBytes)
  for (const ordered of [false, true]) {
    const { made, state } = target(bytes.length, ordered)
    const report = await restore({ stream, target: made, hash: shaStage, codec, workers, signal })
    t.ok(Buffer.from(state.memory).equals(bytes))
    t.equal(report.bytes, bytes.length)
    t.equal(state.committed, 1)
    t.equal(state.aborted, 0)
    if (ordered) t.ok(state.ordered, 'pieces arrive in order')
  }
})

t.test('a small cache decodes frames again and still gives the stream in order', async (t) => {
  const all = versions(6)
  const bytes = all.at(-1)!
  const sealed = (await history(all)).sealed(sha256(bytes), pageBytes)
  let loads = 0
  const stream = { ...sealed, load: (frame: number) => (loads++, sealed.load(frame)) }
  const { made, state } = target(bytes.length, true)
  await restore({ stream, target: made, hash: shaStage, codec, workers, signal, restoreCacheBytes: 70_000 })
  t.ok(Buffer.from(state.memory).equals(bytes))
  t.ok(loads > sealed.frames, `${loads} loads of ${sealed.frames} frames`)
})

t.test('chunks that repeat in one stream come back at each of their places', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 30_000 }, (_, index) => `line ${index % 100}\n`).join(''))
  const stream = (await history([bytes], lineStage)).sealed(sha256(bytes), 0)
  for (const ordered of [false, true]) {
    const { made, state } = target(bytes.length, ordered)
    await restore({ stream, target: made, hash: shaStage, codec, workers, signal })
    t.ok(Buffer.from(state.memory).equals(bytes))
  }
})

t.test('a missing frame, another byte or another digest leaves nothing at the target', async (t) => {
  const bytes = versions(1)[0]!
  const sink = await history([bytes])
  const flipped = (frame: number): EncodedFrame => ({
    ...sink.frames[frame]!,
    bytes: sink.frames[frame]!.bytes.map((byte, index) => (index === 9 && frame === 2 ? byte ^ 1 : byte)),
  })
  const cases: [string, ReturnType<MemorySink['sealed']>, string][] = [
    ['missing', sink.sealed(sha256(bytes), pageBytes, (frame) => (frame === 3 ? undefined : sink.frames[frame])), 'KPIPE_OBJECT_MISSING'],
    ['flipped', sink.sealed(sha256(bytes), pageBytes, flipped), 'KPIPE_DAMAGED'],
    ['digest', sink.sealed(new Uint8Array(32), pageBytes), 'KPIPE_DIGEST_MISMATCH'],
  ]
  for (const [title, stream, code] of cases) {
    for (const ordered of [false, true]) {
      const { made, state } = target(bytes.length, ordered)
      await t.rejects(restore({ stream, target: made, hash: shaStage, codec, workers, signal }), { code }, title)
      t.equal(state.committed, 0)
      t.equal(state.aborted, 1)
    }
  }
})

t.test('facts are read out of the stored bytes again', async (t) => {
  const bytes = Buffer.concat([Buffer.alloc(2_500_000), randomBytes(2_500_000).map((byte) => byte | 1)])
  const stream = (await history([bytes])).sealed(sha256(bytes), pageBytes)
  const facts = await inspectSealed({ stream, inspect: countStage, hash: shaStage, codec, chunking: 'page/4096', workers, signal })
  t.same(facts, { zeros: 2_500_000, inOrder: true, inspected: 5_000_000 })
})

t.test('a signal ends a restore, and nothing is left at the target', async (t) => {
  const bytes = versions(1)[0]!
  const stream = (await history([bytes])).sealed(sha256(bytes), pageBytes)
  const { made, state } = target(bytes.length, false)
  await t.rejects(restore({ stream, target: made, hash: shaStage, codec, workers, signal: AbortSignal.abort() }), {
    code: 'KPIPE_INTERRUPTED',
  })
  t.equal(state.committed, 0)
  t.equal(state.aborted, 1)
})

/** A target whose file the threads write to themselves. */
async function fileTarget(flags: string) {
  const folder = await mkdtemp(join(tmpdir(), 'kpipe-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'snap')
  await writeFile(path, '')
  const handle = await open(path, flags)
  t.teardown(() => handle.close())
  const state = { path, written: 0, committed: 0, aborted: 0, failures: [] as NodeJS.ErrnoException[] }
  const made: PositionedTarget = {
    ordered: false,
    file: {
      fd: handle.fd,
      written: (bytes) => void (state.written += bytes),
      failed: (error) => {
        state.failures.push(error)
        return new Error('told by the target')
      },
    },
    write: () => Promise.reject(new Error('not asked for')),
    read: async (position, into) => (await handle.read(into, 0, into.length, position)).bytesRead,
    commit: async () => void state.committed++,
    abort: async () => void state.aborted++,
  }
  return { made, state }
}

t.test('the threads write to a file of the target themselves', async (t) => {
  const all = versions(6)
  const bytes = all.at(-1)!
  const stream = (await history(all)).sealed(sha256(bytes), pageBytes)
  const { made, state } = await fileTarget('r+')
  const { seconds } = await restore({ stream, target: made, hash: shaStage, codec, workers, signal })
  t.ok((await readFile(state.path)).equals(bytes))
  t.match(state, { written: bytes.length, committed: 1, aborted: 0 })
  t.ok(seconds['write']! > 0 && seconds['digest']! > 0)

  const twice = Buffer.concat([bytes.subarray(0, 5 * pageBytes), bytes.subarray(0, 5 * pageBytes), bytes])
  const repeating = (await history([twice], lineStage)).sealed(sha256(twice), 0)
  const other = await fileTarget('r+')
  await restore({ stream: repeating, target: other.made, hash: shaStage, codec, workers, signal })
  t.ok((await readFile(other.state.path)).equals(twice), 'chunks that repeat')
})

t.test('a file that cannot be written is told in the words of the target', async (t) => {
  const bytes = randomBytes(900_032)
  const stream = (await history([bytes])).sealed(sha256(bytes), pageBytes)
  const { made, state } = await fileTarget('r')
  await t.rejects(restore({ stream, target: made, hash: shaStage, codec, workers, signal }), { message: 'told by the target' })
  t.match(state, { written: 0, committed: 0, aborted: 1, failures: [{ code: 'EBADF', errno: -9 }] })
})

t.test('chunks that were written unchecked are looked at when the digest is another one', async (t) => {
  const bytes = versions(1)[0]!
  const sink = await history([bytes])
  let loads = 0
  // Nothing in this test authenticates frames.
  const stored = (at: number | undefined) => {
    loads = 0
    return sink.sealed(sha256(bytes), pageBytes, (frame) => {
      loads++
      const whole = sink.frames[frame]!
      return frame === at ? { ...whole, bytes: whole.bytes.map((byte, index) => (index === 9 ? byte ^ 1 : byte)) } : whole
    })
  }
  for (const frame of [0, sink.frames.length - 1]) {
    const { made, state } = await fileTarget('r+')
    const damaged = { code: 'KPIPE_DAMAGED', message: 'a chunk does not have the tag that its recipe names' }
    await t.rejects(restore({ stream: stored(frame), target: made, hash: shaStage, codec, workers, signal }), damaged)
    t.match(state, { committed: 0, aborted: 1 })
    t.ok(loads > sink.frames.length, 'frames were looked at again')
  }
  const { made, state } = await fileTarget('r+')
  const stream = { ...stored(undefined), digest: new Uint8Array(32) }
  await t.rejects(restore({ stream, target: made, hash: shaStage, codec, workers, signal }), { code: 'KPIPE_DIGEST_MISMATCH' })
  t.match(state, { committed: 0, aborted: 1 })
  t.equal(loads, 2 * sink.frames.length)
})

t.test('a chunk with another length than the stream says, or without a slot, is refused before it is written', async (t) => {
  const bytes = versions(1)[0]!
  const sealed = (await history([bytes])).sealed(sha256(bytes), pageBytes)
  const slotOf = sealed.slotOf.slice()
  slotOf[0] = 9999
  const shifted = (chunk: number) => sealed.starts(chunk) + (chunk === 1 ? 1 : 0)
  for (const [change, message] of [
    [{ slotOf }, /^a frame has \d+ chunks, and chunk 9999 is wanted$/],
    [{ starts: shifted }, /^chunk 0 of the stream has 4096 bytes in its frame$/],
  ] as const) {
    const { made, state } = await fileTarget('r+')
    const stream = { ...sealed, ...change }
    await t.rejects(restore({ stream, target: made, hash: shaStage, codec, workers, signal }), { code: 'KPIPE_DAMAGED', message })
    t.match(state, { committed: 0, aborted: 1 })
  }
})

t.test('bytes behind the end of the stream do not pass', async (t) => {
  const bytes = randomBytes(900_032)
  const stream = (await history([bytes])).sealed(sha256(bytes), pageBytes)
  const { made, state } = await fileTarget('r+')
  await writeFile(state.path, Buffer.alloc(bytes.length + 1))
  await t.rejects(restore({ stream, target: made, hash: shaStage, codec, workers, signal }), { code: 'KPIPE_DIGEST_MISMATCH' })
  t.match(state, { committed: 0, aborted: 1 })
})
