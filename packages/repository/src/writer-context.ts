import type { Store } from '@kpipe/engine/contracts'
import type { KeyRing } from './keys/key-ring.ts'
import type { Log } from './log/log.ts'
import type { Parent } from './parent.ts'
import type { SnapshotList } from './snapshot-list.ts'
import type { KeptMemory } from './stream-memory/kept-memory.ts'

/** What all backups of an opened repository share. */
export interface WriterContext {
  readonly store: Store
  readonly ring: KeyRing
  readonly log: Log
  readonly snapshots: SnapshotList
  /** Where the host keeps what it remembers. */
  readonly stateFolder: string | undefined
  readonly warn: (message: string) => void
  /** Called with every new head of this process's own. */
  readonly headMoved: () => Promise<string>
}

/** What a backup has when it begins. */
export interface Begun {
  /** 8 random bytes. */
  readonly writer: Uint8Array
  readonly parent: Parent | undefined
  readonly attention: readonly string[]
  readonly memory: KeptMemory | undefined
  /** Of the OPEN entry's object. */
  readonly openBytes: number
}
