import { createHash } from 'node:crypto'
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import type { Store } from '@kpipe/engine/contracts'
import { test } from 'tap'
import { encodeSlot, newSlotKey, slotName } from '../../packages/repository/src/keys/slot.ts'
import { encode } from '../../packages/repository/src/msgpack.ts'
import { madeRepository, reopened } from '../../packages/repository/test/made-repository.ts'
import { u32 } from '../../packages/repository/src/format.ts'
import { compressed, forger, type Forger } from '../support/forged-repository.ts'
import { peakMemory } from '../support/peak-memory.ts'
import { emptyPlace, type Place } from '../support/place.ts'

// What a repository can do to whoever opens or restores it: made by a storage without keys, or by somebody who has them all. Every case
// ends with an error that names what is wrong, and the peak of memory stays below what is stated, whatever was asked for.

/** MiB of a whole process; one that meets no bomb takes 85 to 130. */
const usualPeak = 300

interface Bomb {
  readonly plant: (at: Place, forge: Forger) => Promise<void> | void
  /** Default: `snapshots`. */
  readonly words?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly code: number
  readonly says: RegExp
  /** MiB, where it is more than usual. */
  readonly peak?: number
}

const restore = ['restore', 'latest', '--to', 'out']
const bytesOf = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
/** A map of `kind` and another key, whose value follows. */
const entryWith = (value: Buffer) => Buffer.concat([bytesOf('82 a4 6b696e64 a4 4f50454e a1 78'), value])
const lost = (plant: Bomb['plant']): Bomb => ({ plant, code: 3, says: /log\/0{19}1 at .* is lost: what it holds is not of this format/ })

/** A file of so many bytes that takes no room on the disk. */
function sparse(at: Place, name: string, bytes: number): void {
  const path = at.at('repository', name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, '', { flag: 'a' })
  truncateSync(path, bytes)
}
const huge = 2 ** 40

/** 4 GiB of zeros as zstd: frames of 64 MiB, one after the other. */
const zeros = () => {
  const frame = zstdCompressSync(Buffer.alloc(2 ** 26))
  return Buffer.concat(Array.from({ length: 64 }, () => frame))
}

function passwordSlot(at: Place, forge: Forger, number: number, memoryKiB: number, passes: number, lanes: number): void {
  const parameters = Buffer.concat([Buffer.alloc(16, number), u32(memoryKiB), u32(passes), u32(lanes)])
  const key = newSlotKey(forge.repositoryId, 'password', Buffer.alloc(32, number), parameters)
  put(at, slotName(key.id, 1), encodeSlot(forge.repositoryId, key, forge.ring.bundle(1)!))
}

function put(at: Place, name: string, bytes: Uint8Array): void {
  const path = at.at('repository', name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, bytes)
}

const byPassword = { words: ['snapshots', '--store', 'repository'], env: { KPIPE_PASSWORD: 'a password' } }

const bombs: Readonly<Record<string, Bomb>> = {
  // By a storage that has no key.
  'a marker of 1 TiB': { plant: (at) => sparse(at, 'repository', huge), code: 65, says: /marker "repository" at .* is damaged/ },
  'a first log entry of 1 TiB': {
    plant: (at) => sparse(at, `log/${'0'.repeat(20)}`, huge),
    code: 65,
    says: /log\/0{20} at .* is damaged: it is too long/,
  },
  'a log entry of 1 TiB': {
    plant: (at) => sparse(at, `log/${'1'.padStart(20, '0')}`, huge),
    code: 3,
    says: /log\/0{19}1 .* is lost: it has more than 4194304 bytes/,
  },
  'log entries up to number 999,999,999': {
    plant: (at) => sparse(at, `log/${'999999999'.padStart(20, '0')}`, 1),
    code: 65,
    says: /999999998 are missing between 0 and it/,
  },
  'log entries up to number 10^20 - 1': {
    plant: (at) => sparse(at, `log/${'9'.repeat(20)}`, 1),
    code: 65,
    says: /log\/9{20} at .* is no entry of the log/,
  },
  'a checkpoint of 1 TiB': {
    plant: async (at, forge) => {
      await forge.snapshot({ chunkBytes: 64, chunks: 1 })
      sparse(at, `checkpoint/${'2'.padStart(20, '0')}`, huge)
    },
    code: 0,
    says: /forged/,
    peak: 700,
  },
  'key slots of 1 TiB': {
    plant: (at) => [1, 2, 3].forEach((n) => sparse(at, `keys/000000000000000${n}/0000000001`, huge)),
    code: 0,
    says: /no snapshots in/,
  },
  'a pack of 1 TiB': {
    plant: async (at, forge) => {
      await forge.snapshot({ chunkBytes: 64, chunks: 1 })
      sparse(at, `packs/00/${at.packs()[0].slice(3)}`, huge)
    },
    words: ['check', '--read-data'],
    code: 65,
    says: /has 1099511627776 bytes instead of/,
  },

  // Password slots, which everybody can make who can write.
  'a slot that asks argon2id for 4 TiB and 2^32 passes': {
    ...byPassword,
    plant: (at, forge) => passwordSlot(at, forge, 1, 2 ** 32 - 1, 2 ** 32 - 1, 1),
    code: 65,
    says: /opens no key slot .* and damaged are: keys\//,
  },
  'slots just beyond each bound': {
    ...byPassword,
    plant: (at, forge) => {
      for (const [n, [memoryKiB, passes, lanes]] of (
        [
          [2 ** 20 + 1, 1, 1],
          [65_536, 11, 1],
          [65_536, 1, 17],
          [1, 1, 1],
          [65_536, 0, 1],
        ] as const
      ).entries())
        passwordSlot(at, forge, n, memoryKiB, passes, lanes)
    },
    code: 65,
    says: /and damaged are: (keys\/[0-9a-f/]+(, )?){5}\n/,
  },
  '17 slots with different parameters': {
    ...byPassword,
    plant: (at, forge) => {
      for (let n = 0; n < 17; n++) passwordSlot(at, forge, n, 2 ** 30, 1, 1)
    },
    code: 65,
    says: /more than 16 password slots/,
  },
  'two slots that are within the bounds, and too much together': {
    ...byPassword,
    plant: (at, forge) => [1, 2].forEach((n) => passwordSlot(at, forge, n, 2 ** 20, 10, 1)),
    code: 65,
    says: /ask for more memory and time than is given/,
  },
  'a slot of the most memory that is given, 1 GiB': {
    ...byPassword,
    plant: (at, forge) => passwordSlot(at, forge, 1, 2 ** 20, 1, 1),
    code: 12,
    says: /none of its 1 key slots of that kind opens/,
    peak: 1400,
  },

  // By somebody who has the keys: sealed as it should be.
  'an array of 2^32 items in a log entry': lost((_at, forge) => forge.entry(entryWith(bytesOf('dd ffffffff c0')))),
  'arrays of 2^25 items within each other': lost((_at, forge) => forge.entry(entryWith(bytesOf('dd 02000000'.repeat(7))))),
  'a nesting of a million': lost((_at, forge) => forge.entry(entryWith(Buffer.alloc(1_000_000, 0x91)))),
  'a map of 2 million keys': lost((_at, forge) =>
    forge.entry(entryWith(Buffer.concat([bytesOf('df 001e8480'), Buffer.from('a0c0'.repeat(2_000_000), 'hex')]))),
  ),
  'an array of 4 million nils': {
    ...lost((_at, forge) => forge.entry(entryWith(Buffer.concat([bytesOf('dd 003d0900'), Buffer.alloc(4_000_000, 0xc0)])))),
    peak: 400,
  },
  'an extension of the decoder': lost((_at, forge) => forge.entry(entryWith(bytesOf('c7 04 73 92 a1 61 01')))),
  'a pack of 2^50 bytes': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, entry: { packs: [['D', 0, 2 ** 50, 100, Buffer.alloc(32)]] } }),
    code: 3,
    says: /log\/0{19}2 .* is lost/,
  },
  'a column of 2 million numbers of packs': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, entry: { uses: Buffer.alloc(4_000_000) } }),
    code: 0,
    says: /no snapshots in/,
  },
  'a quarter of a million tags that are said to be lost': {
    plant: async (_at, forge) => {
      await forge.snapshot({ chunkBytes: 64, chunks: 1 })
      const tags = Buffer.alloc(16 * 250_000)
      for (let tag = 0; tag < 250_000; tag++) tags.writeUInt32LE(tag, tag * 16)
      const [packs, counts] = [Buffer.of(2, 0), Buffer.of(0x90, 0xa1, 0x0f)]
      await forge.entry(encode({ kind: 'DAMAGED', time: 0, packs, counts, tags }))
    },
    words: restore,
    code: 65,
    says: /forged/,
  },
  'a manifest of 2^32 bytes in a pack': {
    plant: (_at, forge) =>
      forge.snapshot({
        chunkBytes: 64,
        chunks: 1,
        entry: { manifest: { id: Buffer.alloc(32), counter: 1, offset: 0, stored_bytes: 2 ** 32 - 1, epoch: 1 } },
      }),
    code: 3,
    says: /log\/0{19}2 .* is lost/,
  },
  'a stream of 2^32 chunks': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 65_536, parts: 65_535 }),
    code: 3,
    says: /snapshot [0-9a-f]{12} at .* has a manifest that this kpipe cannot read/,
  },
  'a stream of more chunks than bytes': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 65_536, stream: { page_bytes: 0, bytes: 10 } }),
    code: 3,
    says: /snapshot [0-9a-f]{12} at .* has a manifest that this kpipe cannot read/,
  },
  'a chain of 10,000 links': {
    plant: (_at, forge) =>
      forge.snapshot({
        chunkBytes: 64,
        chunks: 1,
        stream: { parts: [{ tag: Buffer.alloc(16), count: 1, chain: Buffer.alloc(14 * 10_000) }] },
      }),
    code: 3,
    says: /snapshot [0-9a-f]{12} at .* has a manifest that this kpipe cannot read/,
  },
  'a chain of 4 GiB': {
    plant: (_at, forge) =>
      forge.snapshot({
        chunkBytes: 64,
        chunks: 1,
        stream: { parts: [{ tag: Buffer.alloc(16), count: 1, chain: Buffer.alloc(14, 0xff).fill(0, 0, 6) }] },
      }),
    code: 3,
    says: /snapshot [0-9a-f]{12} at .* has a manifest that this kpipe cannot read/,
  },
  'a recipe that writes more than the snapshot says': {
    plant: (_at, forge) =>
      forge.snapshot({ chunkBytes: 64, chunks: 1000, part: { lengths: Buffer.alloc(4000, 0xff) }, stream: { page_bytes: 0, bytes: 1000 } }),
    words: restore,
    code: 65,
    says: /the recipe of .* is of 4294967295000 bytes, and the snapshot of 1000/,
  },
  'a recipe part of 65,536 rows in a run of none': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 65_536, part: { pack_runs: Buffer.alloc(2) } }),
    words: restore,
    code: 65,
    says: /a run of packs has no chunk/,
  },
  'a recipe part that names 2^18 packs': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, part: { table: Buffer.alloc(16 * 2 ** 18) } }),
    words: restore,
    code: 65,
    says: /names more than 131072 packs/,
  },
  'a recipe part whose numbers never end': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, part: { pack_runs: Buffer.alloc(1_000_000, 0xff) } }),
    words: restore,
    code: 65,
    says: /a recipe part in it cannot be read: a column holds a number above 2\^53/,
  },
  'a directory of 2^32 frames': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, directory: { frames: 2 ** 32 - 1 } }),
    words: restore,
    code: 65,
    says: /its directory is not of this format, its column/,
  },
  'a directory of 2^32 chunks': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, directory: { chunk_counts: Buffer.alloc(4, 0xff) } }),
    words: restore,
    code: 65,
    says: /its column prefixes is not of/,
  },
  'a frame of 100 codecs': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, codecs: Array.from({ length: 100 }, () => compressed) }),
    words: restore,
    code: 65,
    says: /its directory is not of this format/,
  },
  'a frame that says to be of 4 GiB': {
    plant: (_at, forge) =>
      forge.snapshot({ chunkBytes: 64, chunks: 1, codecs: [compressed], frame: zeros(), lengths: [2 ** 32 - 1, zeros().length] }),
    words: restore,
    code: 65,
    says: /a frame has more than 33554432 bytes/,
  },
  'chunks that are longer together than their frame': {
    plant: (_at, forge) =>
      forge.snapshot({ chunkBytes: 64, chunks: 1, directory: { listed: Buffer.of(1), chunk_lengths: Buffer.alloc(4, 0xff) } }),
    words: restore,
    code: 65,
    says: /the chunks of a frame are longer than it/,
  },
  'zstd that makes 4 GiB of a frame of 64 bytes': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, codecs: [compressed], frame: zeros() }),
    words: restore,
    code: 65,
    says: /a compressed frame does not decompress/,
  },
  'zstd that makes 4 GiB of a frame of 32 MiB': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 2 ** 25, chunks: 1, codecs: [compressed], frame: zeros() }),
    words: restore,
    code: 65,
    says: /a compressed frame does not decompress/,
  },
  'zstd with a window of 2 GiB': {
    plant: (_at, forge) => forge.snapshot({ chunkBytes: 64, chunks: 1, codecs: [compressed], frame: wideZstd() }),
    words: restore,
    code: 65,
    says: /a compressed frame does not decompress/,
  },
}

/** 64 zeros in a frame (RFC 8878) whose header asks for a window of 2 GiB, and whose only block is raw. */
function wideZstd(): Buffer {
  return Buffer.concat([bytesOf('28b52ffd 00 a8 010200'), Buffer.alloc(64)])
}

for (const [what, { plant, words = ['snapshots'], env = {}, code, says, peak = usualPeak }] of Object.entries(bombs))
  test(`${what}: a clear end, and no more than ${peak} MiB`, { timeout: 60_000 }, async (t) => {
    const at = emptyPlace(t)
    await plant(at, await forger(at))
    const memory = peakMemory(at)
    const ended = await at.kpipe(words, { ...memory.options, env: { ...memory.options.env, ...env } })
    t.equal(ended.code, code, ended.stderr)
    t.match(`${ended.stdout}${ended.stderr}`, says)
    t.ok(memory.mebibytes() < peak, `${memory.mebibytes().toFixed(0)} MiB`)
  })

test('a store that lists key slots without end is not listened to for ever', async (t) => {
  const { store } = await madeRepository()
  let listed = 0
  const endless: Store = {
    ...store,
    async *list(prefix) {
      if (prefix !== 'keys/') return yield* store.list(prefix)
      for (;;) yield { name: `keys/00112233445566aa/${String(listed++).padStart(10, '0')}`, bytes: 1 }
    },
  }
  await t.rejects(reopened(endless), { code: 'KPIPE_DAMAGED', message: /more than 16384 objects of key slots/ })
  t.equal(listed, 16_385)
})

test('a bundle that is sealed to a point of small order is a damaged slot, and no fault of the program', async (t) => {
  const { store } = await madeRepository()
  const [name, whole] = [...store.objects].find(([object, bytes]) => object.startsWith('keys/') && bytes[40] === 1)!
  const forged = Buffer.from(whole).fill(0, 172, 204)
  createHash('sha256')
    .update(forged.subarray(0, -32))
    .digest()
    .copy(forged, forged.length - 32)
  store.objects.set(name, forged)
  await t.rejects(reopened(store), { code: 'KPIPE_DAMAGED', message: name })
})
