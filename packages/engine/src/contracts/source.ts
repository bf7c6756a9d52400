import type { Facts, StageBase } from './stage.ts'

/** Where a stream comes from. Runs on the main thread. */
export interface SourceStage<Settings = never> extends StageBase<'source'> {
  /**
   * Acquires the stream: the far end has answered and has begun to send when this resolves.
   * @throws KpipeError KPIPE_SOURCE_*
   */
  open(settings: Settings, context: SourceContext): Promise<SourceStream>
  /**
   * For sources with several members (copies of the same, of which a stream comes from one): what each says of itself. Reads no stream.
   * @throws KpipeError KPIPE_SOURCE_* when none answers
   */
  members?(settings: Settings, context: Pick<SourceContext, 'signal' | 'warn'>): Promise<SourceMembers>
  /**
   * Settings that variables of the environment give, by name; only for those that `given` (the settings of the pipeline file) leaves
   * out. Paths are absolute, or relative to the working folder.
   */
  fromEnvironment?(
    given: Readonly<Record<string, unknown>>,
    env: Readonly<Record<string, string | undefined>>,
  ): Readonly<Record<string, SettingFromEnvironment>>
}

export interface SettingFromEnvironment {
  readonly value: unknown
  /** Name of the variable. */
  readonly variable: string
}

export interface SourceMembers {
  /** Where `lost`, no member knows of a majority. */
  readonly quorum: 'held' | 'lost' | 'unknown'
  readonly members: readonly SourceMember[]
}

/** What is not known is undefined. */
export interface SourceMember {
  readonly id: string | undefined
  readonly name: string | undefined
  /** Undefined when no setting leads to it. */
  readonly endpoint: string | undefined
  /** Where the cluster says that clients find it, as it tells them. Absent where nobody tells. */
  readonly addresses?: readonly string[]
  readonly version: string | undefined
  /** Of the database file, in bytes, and how much of it is in use. */
  readonly size: number | undefined
  readonly inUse: number | undefined
  readonly leader: boolean | undefined
  readonly learner: boolean | undefined
  /** Entries of the log that others know of and that it has not applied. */
  readonly lag: number | undefined
  /** What it says is wrong, or why it says nothing. */
  readonly errors: readonly string[]
}

export interface SourceContext {
  /** Aborted when the run ends early: let go of the far end at once. */
  readonly signal: AbortSignal
  /** SHA-256 (32 bytes) of all bytes yielded so far; the engine hashes each stream once and shares the result. */
  digestSoFar(): Promise<Uint8Array>
  /** Something that the user should know and that does not stop the run. */
  warn(message: string): void
  /** Something for who asks for more, such as why this member. Absent where nobody does. */
  explain?(message: string): void
  /**
   * The member of the newest snapshot, whose pages the next one repeats; undefined when there is none. Snapshots go by `name` unless
   * the pipeline names them. Absent where no snapshots are known.
   */
  previousMember?(name: string): string | undefined
}

/** The stream's bytes from byte 0 of a file, beside whatever follows them there. */
export interface SourceFile {
  /** Open until `close`. After a failure a thread may go on to read for a moment; what it reads then is thrown away. */
  readonly fd: number
  /** What the source says when the operating system had an error with the file at a place or, without `error`, when it ends there. */
  failed(position: number, error?: Error): Error
  /** A digest of the stream's own that stands at its end. */
  readonly trailer?: SourceTrailer | undefined
}

export interface SourceTrailer {
  /** Where it begins in the stream. */
  readonly position: number
  /**
   * Called once with all bytes from there, while `digestSoFar()` is that of all bytes before it.
   * @throws KpipeError KPIPE_TRAILER_MISMATCH
   */
  verify(trailer: Uint8Array): Promise<void>
}

export interface SourceStream {
  /** Name of the snapshot unless the pipeline gives one: a cluster id in hex, or host and path of a file. */
  readonly name: string
  /** Which copy of the source this is; page numbers of two members do not match. Empty when there is just one. */
  readonly member: string
  /** Exact length of the stream in bytes, where the source knows it beforehand. */
  readonly bytes: number | undefined
  /** What is known before the first byte. */
  readonly facts: Facts
  /** The bytes in order. A piece may be reused by the source as soon as the next one is asked for. */
  read(): AsyncIterable<Uint8Array>
  /** Where the engine may read the same bytes by itself, from any thread, instead of calling `read`. `bytes` is known where this is. */
  readonly file?: SourceFile
  /**
   * Called once after the last byte: the source has compared its own digest and length by then, or does it now.
   * `trailer_verified` (boolean) tells whether a digest of the source's own was there and matched.
   * @throws KpipeError KPIPE_TRAILER_MISMATCH, KPIPE_SIZE_MISMATCH
   */
  end(): Promise<Facts>
  /**
   * What others than this stream say of what it held, such as the other members of a cluster. Called once, after `end()` and before anything is
   * published, with all facts that are known by then, those of the inspector among them; what it resolves with is added to them. It runs
   * while the last frames are encoded and stored, and nothing is published when it rejects.
   * @throws KpipeError KPIPE_EVIDENCE_MISSING
   */
  confirm?(facts: Facts): Promise<Facts>
  /** Lets go of the far end. Called exactly once, also after a failure; after `confirm` where there is one. */
  close(): Promise<void>
  /**
   * Where another member may give what this stream did not: opens a stream from the beginning, from none that has failed so far. Called
   * at most once, after `close()`, with a context of its own. Absent when there is no other.
   * @throws KpipeError KPIPE_SOURCE_*
   */
  elsewhere?(context: SourceContext): Promise<SourceStream>
}
