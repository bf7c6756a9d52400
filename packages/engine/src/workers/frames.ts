import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import { type FrameShape, KpipeError, tagBytes } from '../contracts/index.ts'
import { giveBack, ownsBuffer } from '../give-back.ts'
import type { DecodeResult, DecodeTask, EncodeResult, EncodeTask, WriteRuns } from './messages.ts'
import { blaming, codec, tagger } from './opened-stages.ts'
import { sentSystemError } from './system-error.ts'

const digestBytes = 16

/** Takes a frame through all codecs, in the order of the pipeline. */
export async function encode(task: EncodeTask): Promise<EncodeResult> {
  const seconds: Record<string, number> = {}
  const shape: FrameShape = { plainBytes: task.bytes, ends: task.ends, pageBytes: task.pageBytes }
  const lengths = [task.bytes]
  let bytes = new Uint8Array(task.buffer, 0, task.bytes) as Uint8Array
  for (const reference of task.codecs) {
    const opened = await codec(reference, task.secrets)
    const began = performance.now()
    const input = bytes
    bytes = await blaming(reference, () => opened.encode(input, shape))
    if (input.buffer !== task.buffer) freeUnless(bytes, input)
    lengths.push(bytes.length)
    const name = shortName(reference.package)
    seconds[name] = (seconds[name] ?? 0) + (performance.now() - began) / 1000
  }
  const digest = createHash('sha256').update(bytes).digest().subarray(0, digestBytes)
  const own = ownBytes(bytes)
  return { bytes: own, buffer: own.buffer === task.buffer ? undefined : task.buffer, lengths, digest: new Uint8Array(digest), seconds }
}

/** Undoes all codecs, in reverse, and gives chunks back or writes them to a file. */
export async function decode(task: DecodeTask): Promise<DecodeResult> {
  const seconds: Record<string, number> = {}
  const shape: FrameShape = { plainBytes: task.lengths[0]!, ends: task.ends, pageBytes: task.pageBytes }
  let bytes = task.bytes as Uint8Array
  for (let index = task.codecs.length - 1; index >= 0; index--) {
    const reference = task.codecs[index]!
    const opened = await codec(reference, task.secrets)
    const began = performance.now()
    const input = bytes
    const expected = task.lengths[index]!
    bytes = await blaming(reference, () => opened.decode(input, shape, expected))
    freeUnless(bytes, input)
    if (bytes.length !== expected) {
      throw new KpipeError('KPIPE_DAMAGED', `a frame decodes to ${bytes.length} bytes instead of ${expected}`, { stage: reference.package })
    }
    const name = shortName(reference.package)
    seconds[name] = (seconds[name] ?? 0) + (performance.now() - began) / 1000
  }
  if ('into' in task) {
    const { fd, runs, turn } = task.into
    seconds.write = inTurn(turn, () => {
      const began = performance.now()
      writeRuns(fd, runs, bytes)
      return (performance.now() - began) / 1000
    })
    giveBack(bytes)
    return { bytes: new Uint8Array(0), seconds }
  }
  const began = performance.now()
  const wanted = gatherWanted(bytes, task.ends, task.wanted)
  freeUnless(wanted.bytes, bytes)
  const tags = new Uint8Array(task.wanted.length * tagBytes)
  const hash = await tagger(task.hash)
  await blaming(task.hash, () => hash.tags(wanted.bytes, wanted.ends, task.tagKey, tags))
  if (Buffer.compare(tags, task.tags) !== 0) throw new KpipeError('KPIPE_DAMAGED', 'a chunk does not have the tag that its recipe names')
  seconds.tag = (performance.now() - began) / 1000
  return { bytes: wanted.bytes, seconds }
}

/** Two threads in one file spin for its lock in the kernel, and take the processor from the others. */
function inTurn<Result>(turn: Int32Array<SharedArrayBuffer>, work: () => Result): Result {
  while (Atomics.compareExchange(turn, 0, 0, 1) !== 0) Atomics.wait(turn, 0, 1)
  try {
    return work()
  } finally {
    Atomics.store(turn, 0, 0)
    Atomics.notify(turn, 0, 1)
  }
}

/** @throws KpipeError KPIPE_TARGET_FAILED, for the target to say what it means */
function writeRuns(fd: number, { positions, offsets, lengths }: WriteRuns, bytes: Uint8Array): void {
  try {
    for (let run = 0; run < positions.length; run++) {
      const [position, offset, length] = [positions[run]!, offsets[run]!, lengths[run]!]
      for (let done = 0; done < length;) done += writeSync(fd, bytes, offset + done, length - done, position + done)
    }
  } catch (error) {
    throw sentSystemError('KPIPE_TARGET_FAILED', error)
  }
}

/** The wanted chunks alone, one after the other, in memory of their own. */
function gatherWanted(
  plain: Uint8Array,
  ends: Uint32Array,
  wanted: Uint32Array,
): { readonly bytes: Uint8Array<ArrayBuffer>; readonly ends: Uint32Array } {
  if (wanted.length === ends.length) return { bytes: ownBytes(plain), ends }
  const wantedEnds = new Uint32Array(wanted.length)
  let total = 0
  for (let index = 0; index < wanted.length; index++) {
    const chunk = wanted[index]!
    total += ends[chunk]! - (chunk === 0 ? 0 : ends[chunk - 1]!)
    wantedEnds[index] = total
  }
  const bytes = new Uint8Array(total)
  let at = 0
  for (const chunk of wanted) {
    const start = chunk === 0 ? 0 : ends[chunk - 1]!
    bytes.set(plain.subarray(start, ends[chunk]), at)
    at += ends[chunk]! - start
  }
  return { bytes, ends: wantedEnds }
}

/** The bytes in an ArrayBuffer that can be moved and holds little else; a larger one is given back for a copy. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  if (ownsBuffer(bytes) && bytes.buffer.byteLength <= bytes.byteLength * 1.125) return bytes as Uint8Array<ArrayBuffer>
  const copy = new Uint8Array(bytes)
  freeUnless(copy, bytes)
  return copy
}

/**
 * Gives memory back at once, for the collector sees no hurry in buffers outside its heap. What a codec returned is
 * the engine's own; a buffer that `kept` still uses is left alone.
 */
function freeUnless(kept: Uint8Array, bytes: Uint8Array): void {
  if (bytes.buffer !== kept.buffer) giveBack(bytes)
}

function shortName(stage: string): string {
  return stage.slice(stage.lastIndexOf('/') + 1).replace(/^(kpipe-)?stage-/, '')
}
