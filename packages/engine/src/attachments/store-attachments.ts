import { createHash } from 'node:crypto'
import { tagBytes } from '../contracts/index.ts'
import type { AttachmentSink, CodecSecrets, CodecStage, HashStage, RecipeSegment, Tagger } from '../contracts/index.ts'
import { FrameFiller } from '../loop/frame-filler.ts'
import type { FilledFrame } from '../loop/frame-filler.ts'
import { defaultLimits } from '../loop/limits.ts'
import type { LoadedStage } from '../stages/index.ts'
import { stageReference } from '../workers/stage-reference.ts'
import type { Workers } from '../workers/workers.ts'

export interface AttachmentBytes {
  /** Each has another one. */
  readonly name: string
  readonly bytes: Uint8Array
}

export interface StoreAttachmentsOptions {
  readonly files: readonly AttachmentBytes[]
  readonly sink: AttachmentSink
  readonly hash: LoadedStage<HashStage>
  readonly codecs: readonly LoadedStage<CodecStage>[]
  readonly secrets: CodecSecrets
  /** 64 bytes. */
  readonly tagKey: Uint8Array
  readonly workers: Workers
  readonly signal: AbortSignal
}

/** Length of every chunk of an attachment but its last. */
const pieceBytes = 2 ** 20
const plan = { id: `piece/${pieceBytes}`, pageBytes: pieceBytes }

/**
 * Takes files through hasher and codecs into a sink, after the stream that they go with: what the parent has under the same name is not
 * stored again, the rest shares frames. Resolves with the bytes that were new.
 * @throws KpipeError of a stage or the sink
 */
export async function storeAttachments(options: StoreAttachmentsOptions): Promise<number> {
  const { files, sink, hash, tagKey, signal } = options
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const filler = new FrameFiller(Math.min(defaultLimits.frameBytes, Math.max(total, 1)))
  const full: FilledFrame[] = []
  let tagger: Tagger | undefined
  let fresh = 0
  for (const { name, bytes } of files) {
    signal.throwIfAborted()
    const digest = createHash('sha256').update(bytes).digest()
    const recipe = await knownRecipe(sink, name, bytes, digest)
    const missing = [...recipe.origins.keys()].filter((chunk) => recipe.origins[chunk] === notKnown)
    if (missing.length > 0) {
      tagger ??= await hash.stage.open(hash.settings as never)
      const ends = endsOf(recipe.lengths)
      tagger.tags(bytes, ends, tagKey, recipe.tags)
      for (const chunk of missing) {
        filler.add(bytes, ends, recipe.tags, chunk, chunk + 1, recipe.origins, (frame) => full.push(frame))
        fresh += recipe.lengths[chunk]!
        for (const frame of full.splice(0)) await encode(options, filler, frame)
      }
    }
    sink.add({ name, bytes: bytes.length, digest, plan, recipe })
  }
  const last = filler.finish()
  if (last !== undefined) await encode(options, filler, last)
  return fresh
}

/** No chunk of a parent has that place, and no frame. */
const notKnown = 2 ** 31 - 1

/** The chunks of a file, with the places of those that the parent has. A tag of zeros is that of none. */
async function knownRecipe(sink: AttachmentSink, name: string, bytes: Uint8Array, digest: Uint8Array): Promise<RecipeSegment> {
  const count = Math.ceil(bytes.length / pieceBytes)
  const lengths = Uint32Array.from({ length: count }, (_, chunk) => Math.min(pieceBytes, bytes.length - chunk * pieceBytes))
  const tags = new Uint8Array(count * tagBytes)
  const known = await sink.known(name, digest)
  if (known?.plan !== plan.id || known.count !== count) return { tags, lengths, origins: new Int32Array(count).fill(notKnown) }
  tags.set(new Uint8Array(known.tags))
  const isLost = (chunk: number): boolean => tags.subarray(chunk * tagBytes, (chunk + 1) * tagBytes).every((byte) => byte === 0)
  return { tags, lengths, origins: Int32Array.from({ length: count }, (_, chunk) => (isLost(chunk) ? notKnown : chunk)) }
}

function endsOf(lengths: Uint32Array): Uint32Array {
  let end = 0
  return lengths.map((length) => (end += length))
}

/** One after the other: attachments are small, and nothing else is left to do. */
async function encode({ sink, codecs, secrets, workers }: StoreAttachmentsOptions, filler: FrameFiller, frame: FilledFrame): Promise<void> {
  const { ordinal, buffer, bytes, ends, tags } = frame
  const references = codecs.map(stageReference)
  const encoded = await workers.encode({ kind: 'encode', codecs: references, secrets, buffer, bytes, ends, pageBytes: 0 })
  if (encoded.buffer) filler.reuse(encoded.buffer)
  await sink.frame({ ordinal, bytes: encoded.bytes, digest: encoded.digest, lengths: encoded.lengths, tags, ends })
}
