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

/** Undoes all codecs, in reverse, and compares the tags of the chunks that are wanted. */
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
  const began = performance.now()
  const wanted = gatherWanted(bytes, task.ends, task.wanted, task.into === undefined)
  if (task.into === undefined) freeUnless(wanted.bytes, bytes)
  const tags = new Uint8Array(task.wanted.length * tagBytes)
  const hash = await tagger(task.hash)
  await blaming(task.hash, () => hash.tags(wanted.bytes, wanted.ends, task.tagKey, tags))
  if (Buffer.compare(tags, task.tags) !== 0) throw new KpipeError('KPIPE_DAMAGED', 'a chunk does not have the tag that its recipe names')
  const taggedAt = performance.now()
  seconds.tag = (taggedAt - began) / 1000
  if (task.into === undefined) return { bytes: wanted.bytes as Uint8Array<ArrayBuffer>, seconds }
  writeRuns(task.into.fd, task.into.runs, wanted.bytes)
  seconds.write = (performance.now() - taggedAt) / 1000
  giveBack(bytes)
  return { bytes: new Uint8Array(0), seconds }
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

/** Memory for chunks that do not leave the thread: a new one each time would be new to the processor too. */
let scratch = new Uint8Array(0)

/** The wanted chunks alone, one after the other; in memory of their own when they are to leave the thread. */
function gatherWanted(
  plain: Uint8Array,
  ends: Uint32Array,
  wanted: Uint32Array,
  leaves: boolean,
): { readonly bytes: Uint8Array; readonly ends: Uint32Array } {
  if (wanted.length === ends.length) return { bytes: leaves ? ownBytes(plain) : plain, ends }
  const wantedEnds = new Uint32Array(wanted.length)
  let total = 0
  for (let index = 0; index < wanted.length; index++) {
    const chunk = wanted[index]!
    total += ends[chunk]! - (chunk === 0 ? 0 : ends[chunk - 1]!)
    wantedEnds[index] = total
  }
  if (!leaves && scratch.length < total) scratch = new Uint8Array(plain.length)
  const bytes = leaves ? new Uint8Array(total) : scratch.subarray(0, total)
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
