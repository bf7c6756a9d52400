import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { createObject } from '../create-object.ts'
import type { PackClass } from '../format.ts'
import { giveBack } from '../give-back.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { NewPack } from '../log/payload.ts'
import type { ListedFrame } from './directory.ts'
import { packBuilder, targetPackBytes } from './pack-builder.ts'
import type { PackBuilder } from './pack-builder.ts'
import { packName } from './pack-name.ts'

/** A directory's bytes for one chunk, and for one frame, at the least; rounded up. */
const directoryBytesOf = { chunk: 11, frame: 64 }

export interface PackOutputOptions {
  readonly store: Store
  readonly ring: KeyRing
  readonly epoch: number
  readonly packClass: PackClass
  readonly writer: Uint8Array
  /** Counts the packs of the writer, over its classes. */
  readonly nextCounter: () => number
}

/** Packs that may be on their way to the store at once: what takes time there is to wait for the disk, not to write. */
const mostInFlight = 3

/** Fills packs of one class, in order: one is filled while a few are in flight. */
export class PackOutput {
  readonly #options: PackOutputOptions
  readonly #records: NewPack[] = []
  #filling: PackBuilder | undefined
  #fillingBytes = 0
  /** What the directory is made of: this writer's own, and of no use once it is made. */
  #listed: ArrayBufferView[] = []
  /** The oldest first. */
  readonly #inFlight: Promise<void>[] = []
  #bytesStored = 0

  constructor(options: PackOutputOptions) {
    this.#options = options
  }

  /** Bytes of the packs that are durable. */
  get bytesStored(): number {
    return this.#bytesStored
  }

  /** Resolves with the frame's place as soon as another frame can be taken. */
  async add(bytes: Uint8Array, frame: Omit<ListedFrame, 'offset'>): Promise<{ pack: string; offset: number }> {
    const grown = bytes.length + directoryBytesOf.frame + frame.ends.length * directoryBytesOf.chunk
    if (this.#filling !== undefined && this.#fillingBytes + grown > targetPackBytes) await this.#close()
    if (this.#filling === undefined) {
      const { ring, epoch, packClass, writer, nextCounter } = this.#options
      this.#filling = packBuilder(ring, epoch, packClass, writer, nextCounter())
      this.#fillingBytes = 1024
    }
    this.#fillingBytes += grown
    this.#listed.push(frame.tags, frame.ends)
    return { pack: this.#filling.id, offset: this.#filling.add(bytes, frame) }
  }

  /** All packs durable: what the log must say of them. */
  async finish(): Promise<readonly NewPack[]> {
    await this.#close()
    await this.#leave(0)
    return this.#records
  }

  /** Drops what is not yet under way and waits for the rest. */
  async abandon(): Promise<void> {
    this.#filling = undefined
    await Promise.allSettled(this.#inFlight) // A fault was already thrown where a frame was added.
  }

  async #close(): Promise<void> {
    const filling = this.#filling
    if (filling === undefined) return
    this.#filling = undefined
    const { parts, record } = filling.finish()
    for (const array of this.#listed) giveBack(array)
    this.#listed = []
    await this.#leave(mostInFlight - 1)
    const stored = this.#store(filling.id, parts, record)
    stored.catch(() => undefined) // Thrown by a later #close or by finish.
    this.#inFlight.push(stored)
    this.#records.push(record)
  }

  /** Waits until at most so many are in flight. */
  async #leave(atMost: number): Promise<void> {
    while (this.#inFlight.length > atMost) {
      const [oldest] = this.#inFlight
      await oldest
      if (this.#inFlight[0] === oldest) this.#inFlight.shift()
    }
  }

  async #store(id: string, parts: readonly Uint8Array[], record: NewPack): Promise<void> {
    const { store } = this.#options
    const name = packName(id)
    if ((await createObject(store, name, parts)) === 'exists') {
      throw new KpipeError('KPIPE_STORE_FAILED', `another object is at ${store.location} under the new name ${name}`, { object: name })
    }
    this.#bytesStored += record[2]
    // The frames are this writer's own.
    for (const part of parts) giveBack(part)
  }
}
