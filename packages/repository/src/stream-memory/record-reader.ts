import { giveBack } from '../give-back.ts'
import { readExactly } from './files.ts'
import type { OpenFile } from './files.ts'
import type { MemoryPlace } from './memory-place.ts'
import { decodeIndex, footerBytes, headerBytes, maxIndexBytes, recordStarts } from './record-index.ts'
import type { RecordIndex } from './record-index.ts'
import { fileStart, recordSeal } from './record-seal.ts'
import type { RecordSeal } from './record-seal.ts'

/** Sealed bytes that are read at once, up to the end of the record that reaches them. */
const pieceBytes = 2 ** 20

/** Undefined when there is no file, or it cannot be read: then nothing is remembered. Never rejects. */
export async function openRecords(place: MemoryPlace | undefined): Promise<RecordReader | undefined> {
  if (place === undefined) return undefined
  let file: OpenFile | undefined
  try {
    file = await place.files.open(place.path, 'r')
    const reader = await readIndex(file, place.workingKey)
    if (reader !== undefined) return reader
  } catch {
    // A file that is not there, or is damaged, is one that was never written.
  }
  await file?.close().catch(() => undefined)
  return undefined
}

async function readIndex(file: OpenFile, workingKey: Uint8Array): Promise<RecordReader | undefined> {
  const { size } = await file.stat()
  const end = size - footerBytes
  if (end < headerBytes) return undefined
  const [header, footer] = await Promise.all([readExactly(file, 0, headerBytes), readExactly(file, end, footerBytes)])
  const start = Number(footer.readBigUInt64LE())
  if (!header.subarray(0, fileStart.length).equals(fileStart)) return undefined
  if (start < headerBytes || start > end || end - start > maxIndexBytes) return undefined
  const seal = recordSeal(workingKey, header.subarray(fileStart.length))
  const index = seal.open('index', await readExactly(file, start, end - start))
  return index && new RecordReader(file, seal, decodeIndex(index, start))
}

/** Records from `first` up to, but not including, `end`. */
interface Piece {
  readonly first: number
  readonly end: number
  /** Undefined when they cannot be read. */
  readonly bytes: Promise<Buffer | undefined>
}

/** Reads records in ascending order, a piece of many ahead: two pieces are in memory. Owns the file. */
export class RecordReader {
  readonly #file: OpenFile
  readonly #seal: RecordSeal
  readonly #index: RecordIndex
  readonly #starts: Float64Array
  /** The newest one begun. */
  #turn: Promise<Buffer | undefined> = Promise.resolve(undefined)
  #piece: Piece | undefined
  #ahead: Piece | undefined
  #isOver = false
  #closed: Promise<void> | undefined

  constructor(file: OpenFile, seal: RecordSeal, index: RecordIndex) {
    this.#file = file
    this.#seal = seal
    this.#index = index
    this.#starts = recordStarts(index.lengths)
  }

  /** Whether its records are of that snapshot, and of this code. */
  isOf(snapshotId: string, { epoch, version }: MemoryPlace): boolean {
    return this.#index.snapshot === snapshotId && this.#index.epoch === epoch && this.#index.version === version
  }

  /** Undefined when there is none, and from the first one on that cannot be read. Never rejects. */
  recall(number: number): Promise<Buffer | undefined> {
    this.#turn = this.#turn.then(() => this.#record(number))
    return this.#turn
  }

  close(): Promise<void> {
    this.#isOver = true
    this.#closed ??= this.#turn
      .then(() => this.#release())
      .then(() => this.#file.close())
      .catch(() => undefined) // It was only read.
    return this.#closed
  }

  async #record(number: number): Promise<Buffer | undefined> {
    if (this.#isOver || this.#index.lengths[number] === undefined) return undefined
    const piece = await this.#pieceWith(number)
    const bytes = await piece.bytes
    const start = this.#starts[piece.first]
    const record = bytes && this.#seal.open(number, bytes.subarray(this.#starts[number] - start, this.#starts[number + 1] - start))
    if (record !== undefined) return record
    this.#isOver = true
    await this.#release()
    return undefined
  }

  async #pieceWith(number: number): Promise<Piece> {
    const holds = (piece: Piece | undefined): piece is Piece => piece !== undefined && piece.first <= number && number < piece.end
    if (holds(this.#piece)) return this.#piece
    const isAhead = holds(this.#ahead)
    const next = isAhead ? this.#ahead : undefined
    if (isAhead) this.#ahead = undefined
    await this.#release()
    this.#piece = next ?? this.#read(number)
    if (this.#piece.end < this.#index.lengths.length) this.#ahead = this.#read(this.#piece.end)
    return this.#piece
  }

  #read(first: number): Piece {
    const start = this.#starts[first]
    let end = first + 1
    while (end < this.#index.lengths.length && this.#starts[end] - start < pieceBytes) end += 1
    return { first, end, bytes: readExactly(this.#file, start, this.#starts[end] - start).catch(() => undefined) }
  }

  async #release(): Promise<void> {
    const pieces = [this.#piece, this.#ahead]
    this.#piece = this.#ahead = undefined
    for (const piece of pieces) {
      const bytes = await piece?.bytes
      if (bytes !== undefined) giveBack(bytes)
    }
  }
}
