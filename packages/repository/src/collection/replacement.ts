import assert from 'node:assert/strict'
import { KpipeError } from '@kpipe/engine/contracts'
import type { PackClass } from '../format.ts'
import { packId } from '../log/new-packs.ts'
import { encodePackNumbers } from '../log/pack-numbers.ts'
import type { Compact, NewPack } from '../log/payload.ts'
import type { LogState } from '../log/state.ts'
import { packName } from '../packs/pack-name.ts'
import { VarintWriter } from '../varint.ts'
import { maxMovableBytes } from './choose-packs.ts'
import type { Collection } from './collect.ts'
import type { Examined } from './examine.ts'
import { FrameGatherer } from './frame-gatherer.ts'
import { moveChunks } from './move-chunks.ts'
import { moveUnits } from './move-units.ts'
import { NewPacks } from './new-packs.ts'
import type { NewPackPlace } from './new-packs.ts'
import type { OpenPack } from './open-pack.ts'
import type { PackUse } from './pack-use.ts'
import { removeObjects } from './sweep.ts'

/** New packs of one COMPACT: what is written is committed now and then, so that little is lost with a process. */
const packsAtOnce = 8
/** A new pack is closed before it would grow above this: more than other packs, for there is one at a time, and each ends with frames that are not full. */
const collectedPackBytes = 16 * 2 ** 20
/** None is filled further, however little its frames shrink: padding is added, and it is to be moved again some day. */
const mostPackBytes = maxMovableBytes - 2 ** 20
/** Room for the directory: 11 bytes a chunk, 64 a frame, rounded up. */
const directoryShare = 1.02

interface Moved {
  readonly use: PackUse
  readonly place: NewPackPlace
}

/** Old packs on their way into new ones, until the log says so. */
export class Replacement {
  readonly #collection: Collection
  readonly #examined: Examined
  readonly #epoch: number
  readonly #packs: Readonly<Record<PackClass, NewPacks>>
  readonly #gatherer: FrameGatherer | undefined
  #moved: Moved[] = []
  #records: NewPack[] = []
  #holds = true

  constructor(collection: Collection, examined: Examined) {
    const { store, ring, collector, options, secrets } = collection
    this.#collection = collection
    this.#examined = examined
    this.#epoch = examined.state.epoch
    const { writer } = collector
    const common = { store, ring, epoch: this.#epoch, writer, nextCounter: () => collector.nextCounter() }
    this.#packs = { D: new NewPacks({ ...common, packClass: 'D' }), M: new NewPacks({ ...common, packClass: 'M' }) }
    const { recode } = options
    this.#gatherer = recode && new FrameGatherer({ recode, secrets, epoch: this.#epoch, into: this.#packs.D })
  }

  /** Moves what is needed of an old pack into one new pack: the one that is being filled, or the next one when that has no room. */
  async take(use: PackUse, old: OpenPack): Promise<void> {
    if (!this.#holds) return
    const packClass = use.pack.class
    const packs = this.#packs[packClass]
    if (!this.#hasRoom(packs, use)) {
      if (packClass === 'D') await this.#gatherer?.storeEncoded()
      if (packClass === 'D' && !this.#hasRoom(packs, use)) await this.#gatherer?.flush()
      if (!this.#hasRoom(packs, use)) await this.#close(packClass)
    }
    if (this.#records.length >= packsAtOnce && !(await this.commit())) return
    // With nothing of its own it needs a pack that others have begun; else it stays until there is one.
    if (use.liveChunks === 0 && packs.fillingBytes === 0) return
    const place = packs.place()
    try {
      if (packClass === 'M') await moveUnits(this.#collection, old, packs, this.#epoch)
      else await moveChunks(this.#collection, old, packs, this.#gatherer, this.#epoch)
    } catch (error) {
      // What was written of it is there twice, and the old pack stays.
      if (!(error instanceof KpipeError) || !isOfThePack(error)) throw error
      this.#collection.tally.notice(`${packName(use.pack.id)} stays as it is: ${error.message}`)
      return
    }
    this.#moved.push({ use, place })
  }

  /**
   * Appends COMPACT for what was taken. False when the log says meanwhile that it must not be: then nothing of it counts, and no
   * more is taken.
   */
  async commit(): Promise<boolean> {
    const { tally } = this.#collection
    try {
      for (const packClass of ['D', 'M'] as const) await this.#close(packClass)
    } catch (error) {
      if (!(error instanceof KpipeError) || error.code !== 'KPIPE_STORE_FULL') throw error
      tally.endedEarly = `${this.#collection.store.location} is full`
    }
    const moved = this.#moved.filter(({ place }) => place.record !== undefined)
    const records = this.#records
    this.#moved = []
    this.#records = []
    if (moved.length === 0) return this.#holds
    const payload = this.#entry(moved, records)
    const { collector } = this.#collection
    const ids = records.map(([, counter]) => packId(collector.writer, counter))
    // Known: it was appended, and only the reply was lost.
    const isThere = (state: LogState): boolean => ids.some((id) => state.packsById.has(id))
    const appended = await collector.append((state) => (!isThere(state) && this.#mayReplace(state, moved) ? { payload } : undefined))
    if (appended === undefined && !isThere(this.#collection.log.state)) {
      this.#holds = false
      await removeObjects(
        this.#collection,
        ids.map((id, index) => ({ name: packName(id), bytes: records[index][2] })),
      )
      return false
    }
    const old = moved.map(({ use }) => use.pack)
    tally.add('compacted', old)
    tally.add(
      'written',
      records.map(([, , bytes]) => ({ bytes })),
    )
    tally.unusedBytes -= moved.reduce((sum, { use }) => sum + use.unusedBytes, 0)
    return true
  }

  #hasRoom(packs: NewPacks, { liveBytes, pack }: PackUse): boolean {
    const { fillingBytes } = packs
    if (fillingBytes === 0) return true
    const { likelyBytes, mostBytes } = (packs === this.#packs.D ? this.#gatherer : undefined) ?? { likelyBytes: 0, mostBytes: 0 }
    const isLikely = (fillingBytes + likelyBytes + liveBytes) * directoryShare <= collectedPackBytes
    return isLikely && (fillingBytes + mostBytes + pack.bytes) * directoryShare <= mostPackBytes
  }

  async #close(packClass: PackClass): Promise<void> {
    if (packClass === 'D') await this.#gatherer?.flush()
    const record = await this.#packs[packClass].close()
    if (record !== undefined) this.#records.push(record)
  }

  #entry(moved: readonly Moved[], records: readonly NewPack[]): Compact {
    const sorted = moved.toSorted((one, other) => one.use.pack.number - other.use.pack.number)
    const into = new VarintWriter()
    for (const { place } of sorted) {
      const index = records.indexOf(place.record!)
      assert(index >= 0, 'an old pack goes into a pack of the same entry')
      into.push(index)
    }
    return {
      kind: 'COMPACT',
      time: Date.now(),
      writer: this.#collection.collector.writer,
      packs: records,
      old: encodePackNumbers(sorted.map(({ use }) => use.pack.number)),
      into: into.finish(),
      up_to: this.#examined.state.head.n,
    }
  }

  /**
   * What others appended since may not touch what was examined. Later snapshots keep the old packs by themselves, and forgotten ones
   * need nothing; but an old pack may be gone, new keys may have begun, or a copy that was spare may have become the only one.
   */
  #mayReplace(state: LogState, moved: readonly Moved[]): boolean {
    const { collector, store } = this.#collection
    const writer = state.writers.get(collector.id)
    if (writer === undefined)
      throw new KpipeError('KPIPE_APPEND_LOST', `another process has ended this collection in the log of ${store.location}`)
    if (writer.floor > this.#examined.state.head.n || state.epoch !== this.#epoch) return false
    return moved.every(({ use }) => state.packs.has(use.pack.number))
  }
}

/** A fault of that pack alone: the others can be moved. */
function isOfThePack({ exitCode, code }: KpipeError): boolean {
  return exitCode === 65 || code === 'KPIPE_STAGE_MISSING'
}
