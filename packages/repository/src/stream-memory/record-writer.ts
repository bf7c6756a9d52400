import { randomBytes } from 'node:crypto'
import { giveBack } from '../give-back.ts'
import { writeWhole } from './files.ts'
import type { OpenFile } from './files.ts'
import type { MemoryPlace } from './memory-place.ts'
import { encodeIndex, footerBytes, headerBytes, maxRecordBytes, maxRecords } from './record-index.ts'
import { fileStart, recordSeal, saltBytes } from './record-seal.ts'
import type { RecordSeal, Sealed } from './record-seal.ts'

/** Sealed bytes that are written at once, with the end of the record that reaches them. */
const pieceBytes = 2 ** 20
/** That wait for the disk, and are in memory so long. */
const maxWaitingBytes = 8 * 2 ** 20

/**
 * Seals records into a draft, beside whatever else goes on, and puts it in the file's place when it is finished. At the first failure the
 * draft is removed, with a warning. Nothing here throws.
 */
export class RecordWriter {
  readonly #place: MemoryPlace
  readonly #draft: string
  readonly #seal: RecordSeal
  readonly #lengths: number[] = []
  /** Where the next record begins. */
  #end = headerBytes
  #gathered: Buffer[]
  #gatheredBytes = 0
  #waitingBytes = 0
  /** All that is to be done with the draft, one after the other. Never rejects. */
  #work: Promise<void> = Promise.resolve()
  #file: OpenFile | undefined
  #hasDraft = false
  #isOver = false
  #hasFailed = false

  constructor(place: MemoryPlace) {
    const salt = randomBytes(saltBytes)
    this.#place = place
    this.#draft = `${place.path}.${randomBytes(6).toString('hex')}`
    this.#seal = recordSeal(place.workingKey, salt)
    this.#gathered = [Buffer.concat([fileStart, salt])]
  }

  add(record: Uint8Array): void {
    if (this.#isOver) return
    if (this.#lengths.length === maxRecords) return this.#giveUp(`it has more than ${maxRecords} records`)
    if (record.length > maxRecordBytes) return this.#giveUp(`a record has ${record.length} bytes`)
    this.#end += this.#gather(this.#lengths.length, record)
    this.#lengths.push(record.length)
    if (this.#gatheredBytes < pieceBytes) return
    if (this.#waitingBytes + this.#gatheredBytes > maxWaitingBytes)
      return this.#giveUp(`the disk is more than ${maxWaitingBytes / 2 ** 20} MiB behind`)
    this.#write()
  }

  /** Resolves when the file is there, or no draft is. @param snapshotId hex: what the records are of */
  async finish(snapshotId: string): Promise<void> {
    if (this.#isOver || this.#lengths.length === 0) return this.discard()
    this.#isOver = true
    const { path, epoch, version, files } = this.#place
    this.#gather('index', encodeIndex({ snapshot: snapshotId, epoch, version, lengths: this.#lengths }))
    const footer = Buffer.alloc(footerBytes)
    footer.writeBigUInt64LE(BigInt(this.#end))
    this.#gathered.push(footer)
    this.#write()
    this.#then(async () => {
      await this.#close()
      // ext4 writes a file to the disk before it takes another one's name, which takes longer than what is lost by a crash in between is worth.
      await files.rm(path, { force: true }).catch(() => undefined)
      await files.rename(this.#draft, path)
    })
    await this.#settled()
  }

  /** Resolves when there is no draft; after `finish`, when that is done. */
  async discard(): Promise<void> {
    if (!this.#isOver) this.#drop()
    await this.#settled()
  }

  /** What fails has more to be done after it. */
  async #settled(): Promise<void> {
    let last: Promise<void>
    do await (last = this.#work)
    while (last !== this.#work)
  }

  /** How many sealed bytes it became. */
  #gather(what: Sealed, plain: Uint8Array): number {
    const pieces = this.#seal.seal(what, plain)
    const bytes = pieces.reduce((sum, piece) => sum + piece.length, 0)
    this.#gathered.push(...pieces)
    this.#gatheredBytes += bytes
    return bytes
  }

  #write(): void {
    const piece = Buffer.concat(this.#gathered)
    for (const each of this.#gathered) if (each.length > 0) giveBack(each)
    this.#gathered = []
    this.#gatheredBytes = 0
    this.#waitingBytes += piece.length
    this.#then(async () => {
      this.#file ??= await this.#create()
      await writeWhole(this.#file, piece)
      this.#waitingBytes -= piece.length
      giveBack(piece)
    })
  }

  async #create(): Promise<OpenFile> {
    const { files, folder } = this.#place
    await files.mkdir(folder, { recursive: true, mode: 0o700 })
    const file = await files.open(this.#draft, 'wx', 0o600)
    this.#hasDraft = true
    return file
  }

  async #close(): Promise<void> {
    const file = this.#file
    this.#file = undefined
    await file?.close()
  }

  /** Does that next with the draft, unless it was given up. */
  #then(step: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.#hasFailed ? undefined : step()))
      .catch((error: NodeJS.ErrnoException) => this.#giveUp(error.code ?? error.message))
  }

  #giveUp(reason: string): void {
    if (this.#hasFailed) return
    this.#place.warn(`what was seen of the stream cannot be kept in ${this.#place.path}: ${reason}; the next backup takes longer`)
    this.#drop()
  }

  /** What was begun with the draft comes to its end; then it is removed. */
  #drop(): void {
    this.#isOver = this.#hasFailed = true
    this.#gathered = []
    this.#work = this.#work.then(() => this.#remove())
  }

  async #remove(): Promise<void> {
    if (!this.#hasDraft) return
    this.#hasDraft = false
    // What cannot be removed goes when it is a day old.
    await this.#close().catch(() => undefined)
    await this.#place.files.rm(this.#draft, { force: true }).catch(() => undefined)
  }
}
