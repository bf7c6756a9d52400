import type { StageBase } from './stage.ts'

/** Bytes of a tag, the keyed fingerprint of a chunk. */
export const tagBytes = 16
/** Bytes of the tag key, one block of SHA-256. */
export const tagKeyBytes = 64

/** Names chunks by their content. Runs on a worker. */
export interface HashStage<Settings = never> extends StageBase<'hash'> {
  /** Called once per worker; the name of the algorithm is fixed when a repository is made. */
  open(settings: Settings): Tagger | Promise<Tagger>
}

export interface Tagger {
  readonly algorithm: string
  /** Writes 16 bytes per chunk to `out`. `bytes` may be shared memory; `key` has 64 bytes. */
  tags(bytes: Uint8Array, ends: Uint32Array, key: Uint8Array, out: Uint8Array): void
}
