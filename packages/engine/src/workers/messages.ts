import type { ChunkPlan, CodecSecrets, ErrorDetails, InspectPlan, KpipeErrorCode } from '../contracts/index.ts'

/** A stage as a worker finds it again: the module, and settings as plain data. */
export interface StageReference {
  readonly package: string
  readonly url: string
  readonly settings: Readonly<Record<string, unknown>>
}

/** What every segment of one stream is cut with. */
export interface CutRecipe {
  readonly chunk: StageReference
  readonly plan: ChunkPlan
  readonly hash: StageReference
  readonly tagKey: Uint8Array
  readonly inspect: { readonly stage: StageReference; readonly plan: InspectPlan } | undefined
}

export interface CutTask {
  readonly kind: 'cut'
  readonly recipe: CutRecipe
  /** The segment's bytes lie at its start. */
  readonly slot: SharedArrayBuffer
  readonly bytes: number
  /** Place of the segment in the stream, in bytes. */
  readonly position: number
  /** A file with the stream in it: the thread reads the segment from there into the slot. */
  readonly from?: number | undefined
  /** Of the pages' prints, when they are wanted. */
  readonly printKey?: SharedArrayBuffer | undefined
  readonly earlier?: EarlierSegment | undefined
}

/** What is known of the same place in the parent's stream. */
export interface EarlierSegment {
  /** What was remembered of it. */
  readonly record: Uint8Array
  /** Tags of all chunks of the parent, 16 bytes each; one that is lost has zeros. */
  readonly tags: SharedArrayBuffer
  readonly chunks: number
}

export interface CutResult {
  /** 16 bytes a chunk. */
  readonly tags: Uint8Array
  /** Ends of the chunks in the segment. */
  readonly ends: Uint32Array
  /** Chunks that are as remembered, whose tags are the parent's. */
  readonly remembered: number
  readonly prints: Uint8Array | undefined
  readonly look: Uint8Array | undefined
  readonly seconds: Readonly<Record<string, number>>
}

export interface EncodeTask {
  readonly kind: 'encode'
  /** Names the result, which comes beside the answer. */
  readonly ticket: number
  readonly codecs: readonly StageReference[]
  readonly secrets: CodecSecrets
  /** Moved to the worker. */
  readonly buffer: ArrayBuffer
  readonly bytes: number
  readonly ends: Uint32Array
  readonly pageBytes: number
}

export interface EncodeResult {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** The task's buffer, moved back to be used again. */
  readonly buffer: ArrayBuffer | undefined
  readonly lengths: readonly number[]
  /** First 16 bytes of SHA-256 of the encoded bytes. */
  readonly digest: Uint8Array
  readonly seconds: Readonly<Record<string, number>>
}

interface FrameToDecode {
  readonly kind: 'decode'
  readonly codecs: readonly StageReference[]
  readonly secrets: CodecSecrets
  /** Moved to the worker. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly lengths: readonly number[]
  readonly ends: Uint32Array
  readonly pageBytes: number
}

/** Chunks of a frame that are to come back, compared with their tags. */
export interface ChunksWanted {
  readonly hash: StageReference
  readonly tagKey: Uint8Array
  /** Ascending. */
  readonly wanted: Uint32Array
  /** 16 bytes each. */
  readonly tags: Uint8Array
}

/** Chunks of a frame that the thread is to write to a file. They are not compared with their tags: whoever asked reads them back. */
export interface ChunksWritten {
  readonly into: {
    readonly fd: number
    readonly runs: WriteRuns
    /** One thread writes at a time. */
    readonly turn: Int32Array<SharedArrayBuffer>
  }
}

/** Without the ticket, which names the result that comes beside the answer. */
export type DecodeRequest = FrameToDecode & (ChunksWanted | ChunksWritten)
export type DecodeTask = DecodeRequest & { readonly ticket: number }

/** Pieces of memory and their places in a file. */
export interface WriteRuns {
  /** In the file, in bytes. */
  readonly positions: Float64Array
  /** In memory. */
  readonly offsets: Uint32Array
  readonly lengths: Uint32Array
}

export interface DecodeResult {
  /** The wanted chunks, one after the other; empty when they were written. */
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly seconds: Readonly<Record<string, number>>
}

export interface LookTask {
  readonly kind: 'look'
  readonly inspect: StageReference
  readonly plan: InspectPlan
  readonly slot: SharedArrayBuffer
  readonly bytes: number
  readonly position: number
}

export interface LookResult {
  readonly look: Uint8Array
}

/** Loads the modules of stages, before the first byte is there. */
export interface PrepareTask {
  readonly kind: 'prepare'
  readonly stages: readonly StageReference[]
}

export type Task = CutTask | EncodeTask | DecodeTask | LookTask | PrepareTask

/** The result of an encode or decode task, its buffers moved. */
export interface MovedResult {
  readonly ticket: number
  readonly result: object
}

/** Errors cross as data: cloning an Error drops its code. */
export interface TaskFailure {
  readonly failure: {
    readonly code: KpipeErrorCode
    readonly message: string
    readonly details: ErrorDetails
    readonly stack: string | undefined
  }
}
