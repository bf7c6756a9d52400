import { KpipeError } from '@kpipe/engine/contracts'
import { deriveKey } from '../sealed-unit.ts'

/** What the repository seals itself is under root M; what codecs seal, and what a host keeps of the data, is under root D. */
const rootOf = { log: 'm', checkpoint: 'm', directory: 'm', recipe: 'm', memory: 'm', codecs: 'd', 'stream-memory': 'd' } as const
export type WorkingKeyLabel = keyof typeof rootOf

/** That of GENESIS. */
export const firstEpoch = 1

/** The secrets of one epoch, as they lie in a slot. */
export interface Bundle {
  readonly epoch: number
  /** 32 random bytes each. */
  readonly m: Uint8Array
  readonly d: Uint8Array
  /** 64 bytes, the same in every epoch. */
  readonly tagKey: Uint8Array
}

export interface KeyRing {
  readonly repositoryId: Uint8Array
  readonly tagKey: Uint8Array
  /** Whether a slot holds the keys of that epoch. A damaged header may name any. */
  knows(epoch: number): boolean
  /** Epochs whose keys it holds. */
  epochs(): readonly number[]
  /** The keys of another epoch. */
  add(bundle: Bundle): void
  /** The roots of an epoch, to be sealed to another slot. */
  bundle(epoch: number): Bundle | undefined
  /** 32 bytes. @throws KpipeError KPIPE_DAMAGED when no slot holds that epoch */
  workingKey(epoch: number, label: WorkingKeyLabel): Uint8Array
}

/** Working keys of all epochs, derived when first asked for. */
export function keyRing(repositoryId: Uint8Array, bundles: readonly Bundle[]): KeyRing {
  const byEpoch = new Map(bundles.map((bundle) => [bundle.epoch, bundle]))
  const derived = new Map<string, Uint8Array>()
  return {
    repositoryId,
    tagKey: bundles[0].tagKey,
    knows: (epoch) => byEpoch.has(epoch),
    epochs: () => [...byEpoch.keys()],
    add: (bundle) => void byEpoch.set(bundle.epoch, bundle),
    bundle: (epoch) => byEpoch.get(epoch),
    workingKey(epoch, label) {
      const name = `${epoch}/${label}`
      let key = derived.get(name)
      if (key === undefined) {
        const bundle = byEpoch.get(epoch)
        if (bundle === undefined) throw new KpipeError('KPIPE_DAMAGED', `no key slot holds the keys of epoch ${epoch}`, { epoch })
        key = deriveKey(bundle[rootOf[label]], repositoryId, `kpipe/1/${label}`)
        derived.set(name, key)
      }
      return key
    },
  }
}
