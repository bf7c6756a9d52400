import type { FileHandle } from 'node:fs/promises'

/** So much is given to the disk at a time while the rest is still being made: at the end it is there but for little. */
const syncBytes = 32 * 1024 * 1024

/** Has what was written to a file reach the disk beside other work. */
export interface EarlySync {
  written(bytes: number): void
  /** All is on the disk. @throws what any of the syncs threw: what it was about to write may be lost, and no later one would say so */
  finish(): Promise<void>
  /** Nothing is under way any more. */
  settled(): Promise<void>
}

/** @param wholeBytes what will be written: behind the last of them there is nothing to wait for */
export function earlySync(handle: Pick<FileHandle, 'datasync' | 'sync'>, wholeBytes = Infinity): EarlySync {
  let unsynced = 0
  let total = 0
  let syncing: Promise<void> | undefined
  let fault: { readonly error: unknown } | undefined
  const begin = (): void => {
    if (syncing !== undefined || unsynced === 0 || fault !== undefined) return
    unsynced = 0
    syncing = handle
      .datasync()
      .catch((error: unknown) => void (fault = { error }))
      .finally(() => (syncing = undefined))
  }
  return {
    written(bytes) {
      unsynced += bytes
      total += bytes
      if (unsynced >= syncBytes || total >= wholeBytes) begin()
    },
    async finish() {
      await syncing
      if (fault !== undefined) throw fault.error
      await handle.sync()
    },
    async settled() {
      await syncing
    },
  }
}
