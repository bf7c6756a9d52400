import type { StageBase } from './stage.ts'

/** Named objects, written once. Runs on the main thread. */
export interface StoreStage<Settings = never> extends StageBase<'store'> {
  open(settings: Settings, context: StoreContext): Promise<Store>
}

export interface StoreContext {
  readonly signal: AbortSignal
}

export interface StoredObject {
  readonly name: string
  readonly bytes: number
}

/**
 * Names are `[a-z0-9/-]`, at most 120 bytes. An object is created once and never overwritten.
 * Faults are KpipeError KPIPE_STORE_FULL, KPIPE_STORE_FORBIDDEN, KPIPE_STORE_FAILED or KPIPE_STORE_UNSUITABLE.
 */
export interface Store {
  /** For messages: a path or a URL without secrets. */
  readonly location: string
  /**
   * Set by a store that may run full, such as a directory on a disk: the repository then keeps an object of up to 16 MiB,
   * `reserve/0`, which a collection removes when there is no room left for a log entry, and makes again at its end.
   */
  readonly reserve?: boolean
  /**
   * Atomic and durable: when it resolves, the object is there whole and survives a loss of power; when it rejects or
   * the process dies, the name holds all of the bytes or nothing. `exists` when another object holds the name; an
   * object with equal bytes counts as created, for the reply to our own success may have been lost.
   */
  create(name: string, parts: readonly Uint8Array[]): Promise<'created' | 'exists'>
  /** The object, or `length` bytes from `offset` (fewer at its end); undefined when there is no such object. The result is the caller's own. */
  read(name: string, range?: { readonly offset: number; readonly length: number }): Promise<Uint8Array | undefined>
  /** Objects whose name begins with `prefix`, in byte order of their names, those after `after` only. */
  list(prefix: string, after?: string): AsyncIterable<StoredObject>
  /** Removing what is not there is no fault. */
  remove(name: string): Promise<void>
}
