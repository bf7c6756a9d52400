import { KpipeError } from '@kpipe/engine/contracts'
import type { Store } from '@kpipe/engine/contracts'
import { createObject } from '../create-object.ts'
import type { PackClass } from '../format.ts'
import { giveBack } from '../give-back.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { NewPack } from '../log/payload.ts'
import type { FrameKind, ListedFrame } from '../packs/directory.ts'
import { packBuilder, packHeaderBytes } from '../packs/pack-builder.ts'
import type { PackBuilder } from '../packs/pack-builder.ts'
import { packName } from '../packs/pack-name.ts'
import { canonicalJson } from '../packs/frame-binding.ts'

export interface NewPacksOptions {
  readonly store: Store
  readonly ring: KeyRing
  readonly epoch: number
  readonly packClass: PackClass
  readonly writer: Uint8Array
  /** Counts the packs of the writer, over its classes. */
  readonly nextCounter: () => number
}

/** A pack that takes over what is needed of old ones. */
export interface NewPackPlace {
  /** Set once the pack is durable. */
  record: NewPack | undefined
}

interface Filling {
  readonly builder: PackBuilder
  readonly place: NewPackPlace
  readonly kinds: Map<string, FrameKind>
}

/** Packs of one class, filled one after the other; when one ends is the caller's to say. */
export class NewPacks {
  readonly #options: NewPacksOptions
  #filling: Filling | undefined

  constructor(options: NewPacksOptions) {
    this.#options = options
  }

  /** Header and frames of the one that is being filled. */
  get fillingBytes(): number {
    return this.#filling?.builder.bytes ?? 0
  }

  /** The pack that is being filled; begins one when there is none. */
  place(): NewPackPlace {
    return this.#begun().place
  }

  add(bytes: Uint8Array, frame: Omit<ListedFrame, 'offset'>): void {
    const { builder, kinds } = this.#begun()
    // A directory lists kinds by identity, 256 at the most.
    const key = canonicalJson(frame.kind)
    const kind = kinds.get(key) ?? frame.kind
    kinds.set(key, kind)
    builder.add(bytes, { ...frame, kind })
  }

  /** Makes the pack that was being filled durable, and says what the log must say of it; undefined when there is none. */
  async close(): Promise<NewPack | undefined> {
    const filling = this.#filling
    if (filling === undefined) return undefined
    this.#filling = undefined
    // What it was begun for could not be read.
    if (filling.builder.bytes === packHeaderBytes) return undefined
    const { store } = this.#options
    const { parts, record } = filling.builder.finish()
    const name = packName(filling.builder.id)
    if ((await createObject(store, name, parts)) === 'exists')
      throw new KpipeError('KPIPE_STORE_FAILED', `another object is at ${store.location} under the new name ${name}`, { object: name })
    for (const part of parts) giveBack(part)
    filling.place.record = record
    return record
  }

  #begun(): Filling {
    if (this.#filling === undefined) {
      const { ring, epoch, packClass, writer, nextCounter } = this.#options
      const builder = packBuilder(ring, epoch, packClass, writer, nextCounter())
      this.#filling = { builder, place: { record: undefined }, kinds: new Map() }
    }
    return this.#filling
  }
}
