import { createHash } from 'node:crypto'
import { Packr } from 'msgpackr/pack'
import type { CodecRecord } from '@kpipe/engine/contracts'
import { headerStart, magics, u32 } from '../../packages/repository/src/format.ts'
import { initRepository } from '../../packages/repository/src/init.ts'
import { createKeyFile } from '../../packages/repository/src/keys/key-file.ts'
import { keyRing, type KeyRing } from '../../packages/repository/src/keys/key-ring.ts'
import { openSlots } from '../../packages/repository/src/keys/open-slots.ts'
import { entryName } from '../../packages/repository/src/log/entry.ts'
import { packId } from '../../packages/repository/src/log/new-packs.ts'
import type { NewPack } from '../../packages/repository/src/log/payload.ts'
import { decode, encode } from '../../packages/repository/src/msgpack.ts'
import { encodeDirectory, type FrameKind, type ListedFrame } from '../../packages/repository/src/packs/directory.ts'
import { directoryHeader, packHeader } from '../../packages/repository/src/packs/pack-builder.ts'
import { packName } from '../../packages/repository/src/packs/pack-name.ts'
import { sealUnitFrame, unitTag } from '../../packages/repository/src/packs/unit-frame.ts'
import { sealUnit } from '../../packages/repository/src/sealed-unit.ts'
import { directoryStore } from '../../packages/stage-store-fs/src/store-fs.ts'
import type { Place } from './place.ts'

/** What somebody can make who has the keys and writes what no kpipe would: all of it is sealed as it should be. */
export interface Forger {
  readonly ring: KeyRing
  readonly repositoryId: Buffer
  /** Appends a log entry whose msgpack is these bytes. */
  entry(body: Uint8Array): Promise<void>
  /** Stores a pack. @param directory what its directory says instead of the truth */
  pack(
    packClass: 'D' | 'M',
    frames: readonly Omit<ListedFrame, 'offset'>[],
    bytes: readonly Uint8Array[],
    directory?: object,
  ): Promise<NewPack>
  /** Stores a snapshot of one frame of class D. */
  snapshot(lies: SnapshotLies): Promise<void>
}

export interface SnapshotLies {
  /** Of the stream: chunks of so many bytes, each the same one. */
  readonly chunkBytes: number
  readonly chunks: number
  /** The frame as it is stored; its chunk is zeros. Default: not encoded. */
  readonly frame?: Uint8Array
  readonly codecs?: readonly CodecRecord[]
  /** Lengths of the frame, plain first. */
  readonly lengths?: readonly number[]
  /** What the directory, recipe part, manifest and entry say instead of the truth. */
  readonly directory?: object
  readonly part?: object
  readonly manifest?: object
  readonly stream?: object
  readonly entry?: object
  /** Times that the reference to the recipe part is repeated. */
  readonly parts?: number
}

const writer = Buffer.from('f0f1f2f3f4f5f6f7', 'hex')
export const compressed: CodecRecord = { stage: '@kpipe/stage-compress', version: '0.1.0', settings: { level: 3 } }

/** Makes a repository with a key file at the place, and what forges the rest of it. */
export async function forger(at: Place): Promise<Forger> {
  const store = directoryStore(at.at('repository'))
  const keyFile = await createKeyFile(at.at('repository.key'))
  const { id } = await initRepository({ store, keyFile, recoveryPhrase: undefined, tagAlgorithm: 'sha256' })
  at.pipeline('{ use: file, with: { path: ./input } }')
  const repositoryId = Buffer.from(id, 'hex')
  const ring = keyRing(repositoryId, (await openSlots(store, repositoryId, keyFile)).bundles)
  let [n, counter] = [0, 0]

  const entry = async (body: Uint8Array): Promise<void> => {
    const previous = createHash('sha256')
      .update((await store.read(entryName(n)))!)
      .digest()
    const start = Buffer.alloc(12)
    start.writeBigUInt64LE(BigInt(++n))
    start.writeUInt32LE(1, 8)
    const header = Buffer.concat([headerStart(magics.entry), start, repositoryId, previous])
    await store.create(entryName(n), [header, sealUnit(ring.workingKey(1, 'log'), header, [u32(body.length), body])])
  }

  const pack: Forger['pack'] = async (packClass, frames, bytes, directory = {}) => {
    const id = packId(writer, counter)
    const header = packHeader(packClass, id, repositoryId)
    let offset = header.length
    const listed = frames.map((frame, index) => {
      const placed = { ...frame, offset }
      offset += bytes[index].length
      return placed
    })
    const told = plainMsgpack({ ...(decode(encodeDirectory(packClass, listed)) as object), ...directory })
    const sealed = sealUnit(ring.workingKey(1, 'directory'), directoryHeader(header, 1), [u32(told.length), told])
    const object = Buffer.concat([header, ...bytes, sealed, u32(sealed.length), u32(1), magics.packEnd])
    await store.create(packName(id), [object])
    return [packClass, counter++, object.length, sealed.length, createHash('sha256').update(object).digest()]
  }

  const snapshot = async (lies: SnapshotLies): Promise<void> => {
    const { chunkBytes, chunks, codecs = [], parts = 1 } = lies
    const chunk = Buffer.alloc(chunkBytes)
    const frame = lies.frame ?? chunk
    const lengths = lies.lengths ?? [chunkBytes, ...codecs.map(() => frame.length)]
    const tag = createHash('sha256').update(ring.tagKey).update(chunk).digest().subarray(0, 16)
    const kind: FrameKind = { epoch: 1, codecs, key: 'derived', pageBytes: chunkBytes }
    const digest = createHash('sha256').update(frame).digest().subarray(0, 16)
    await entry(encode({ kind: 'OPEN', time: Date.now(), writer, tool: 'forger', host: 'host', boot: '', pid: 1 }))
    const data = await pack('D', [{ kind, lengths, digest, tags: tag, ends: Uint32Array.of(chunkBytes) }], [frame], lies.directory)
    const dataId = Buffer.from(packId(writer, data[1]), 'hex')
    const runs = Buffer.concat([Buffer.of(0), varint(chunks)])
    const part = plainMsgpack({
      count: chunks,
      tags: Buffer.concat(Array.from({ length: Math.min(chunks, 65_536) }, () => tag)),
      table: dataId,
      pack_runs: runs,
      ...lies.part,
    })
    const unitKind: FrameKind = { epoch: 1, codecs: [], key: 'unit', pageBytes: 0 }
    const unit = sealUnitFrame(ring, unitKind, part, unitTag(ring, part))
    const recipe = await pack('M', [unit.listed], [unit.bytes])
    const link = Buffer.alloc(14)
    link.writeUInt32LE(48, 2)
    link.writeUInt32LE(unit.bytes.length, 6)
    link.writeUInt32LE(1, 10)
    const reference = { tag: unitTag(ring, part), count: chunks, chain: link }
    const stream = {
      name: 'database',
      bytes: chunkBytes * chunks * parts,
      digest: Buffer.alloc(32),
      chunking: `page/${chunkBytes}`,
      page_bytes: chunkBytes,
      chunks: chunks * parts,
      parts: Array.from({ length: parts }, () => reference),
      ...lies.stream,
    }
    const manifest = plainMsgpack({
      name: 'forged',
      member: '',
      time: Date.now(),
      tool: 'forger',
      writer,
      parent: null,
      streams: [stream],
      recipe_packs: Buffer.from(packId(writer, recipe[1]), 'hex'),
      facts: {},
      tags: [],
      stages: [],
      statistics: {},
      ...lies.manifest,
    })
    const said = { kind: 'SNAPSHOT', time: Date.now(), writer, packs: [data, recipe], uses: Buffer.alloc(0), manifest, ...lies.entry }
    await entry(plainMsgpack(said))
  }
  return { ring, repositoryId, entry, pack, snapshot }
}

const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false })

/** Any msgpack at all, however deep and long. */
function plainMsgpack(value: unknown): Buffer {
  return Buffer.from(packr.pack(value))
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  for (; value > 0x7f; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  return Buffer.from([...bytes, value])
}
