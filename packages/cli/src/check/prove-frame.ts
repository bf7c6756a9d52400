import { stageReference } from '@kpipe/engine'
import type { LoadedStage, Workers } from '@kpipe/engine'
import type { CodecRecord, CodecStage, HashStage } from '@kpipe/engine/contracts'
import type { ProveFrame } from '@kpipe/repository'

/** Undoes the codecs of frames and compares tags, on the worker threads. */
export function proveFrames(
  workers: Workers,
  hash: LoadedStage<HashStage>,
  codec: (record: CodecRecord) => Promise<LoadedStage<CodecStage>>,
  tagKey: Uint8Array,
): ProveFrame {
  return async ({ bytes, codecs, secrets, lengths, ends, pageBytes }, slots, tags) => {
    const references = await Promise.all(codecs.map(async (record) => stageReference(await codec(record))))
    await workers.decode({
      kind: 'decode',
      codecs: references,
      secrets,
      bytes: Uint8Array.from(bytes),
      lengths,
      ends,
      pageBytes,
      hash: stageReference(hash),
      tagKey,
      wanted: slots,
      tags,
    })
  }
}
