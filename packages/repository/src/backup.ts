import type { AttachmentSink, CodecRecord, Facts, KnownChunks, Sink, StreamMemory } from '@kpipe/engine/contracts'
import type { Snapshot } from './snapshot.ts'

export interface BeginOptions {
  readonly name: string
  /** Which copy of the source; empty when there is one. */
  readonly member: string
  /** Id of the chunk plan. */
  readonly chunking: string
  readonly pageBytes: number
  /** Of the frames, in order of encoding. That one of them seals, or that plain text is accepted, is the caller's to know. */
  readonly codecs: readonly CodecRecord[]
  readonly tagAlgorithm: string
}

export interface CommitOptions {
  readonly bytes: number
  /** SHA-256 of the stream, 32 bytes. */
  readonly digest: Uint8Array
  readonly chunks: number
  readonly facts: Facts
  readonly tags: readonly string[]
  /** All stages with versions and settings; the caller leaves secrets out. */
  readonly stages: readonly CodecRecord[]
  readonly statistics: Facts
  readonly time: Date
}

/** One backup on its way into the repository: nothing of it exists for anybody before `commit` resolves. */
export interface BackupWriter extends Sink {
  readonly parent: Snapshot | undefined
  readonly known: KnownChunks | undefined
  /** What this host keeps of the parent and of this stream; undefined without a state folder, and when chunks are no pages. */
  readonly memory: StreamMemory | undefined
  /** For files that go with the stream: after its last frame, before `commit`. */
  readonly attachments: AttachmentSink
  /** Bytes of all objects that this backup has made so far. */
  readonly bytesStored: number
  /** @throws KpipeError KPIPE_APPEND_LOST, KPIPE_STORE_* */
  commit(options: CommitOptions): Promise<Committed>
  /** Ends the backup in the log. Has no effect after a commit. */
  abort(reason: string): Promise<void>
}

/** A backup that has become a snapshot. */
export interface Committed {
  readonly snapshot: Snapshot
  /** The log's head: `<n>:<64 hex>`. */
  readonly head: string
  /** Sentences about what is not as it should be; the snapshot is whole nevertheless. */
  readonly attention: readonly string[]
}
