import { stageReference } from '@kpipe/engine'
import type { LoadedStage, Workers } from '@kpipe/engine'
import type { CodecRecord, CodecStage, HashStage } from '@kpipe/engine/contracts'
import type { Recode } from '@kpipe/repository'

export interface Recoding {
  /** Asked for when there is the first frame to be decoded. */
  readonly workers: () => Promise<Workers>
  readonly hash: LoadedStage<HashStage>
  readonly codec: (record: CodecRecord) => Promise<LoadedStage<CodecStage>>
  readonly tagKey: Uint8Array
}

/** Takes frames out of their codecs and into them again, on the worker threads. */
export function recodeFrames({ workers, hash, codec, tagKey }: Recoding): Recode {
  const references = (codecs: readonly CodecRecord[]): Promise<ReturnType<typeof stageReference>[]> =>
    Promise.all(codecs.map(async (record) => stageReference(await codec(record))))
  return {
    async decode({ bytes, codecs, secrets, lengths, ends, pageBytes }, slots, tags) {
      const task = { secrets, lengths, ends, pageBytes, hash: stageReference(hash), tagKey, wanted: slots, tags }
      const moved = Uint8Array.from(bytes)
      const decoded = await (await workers()).decode({ kind: 'decode', ...task, codecs: await references(codecs), bytes: moved })
      return decoded.bytes
    },
    async encode({ bytes, codecs, secrets, ends, pageBytes }) {
      const task = { secrets, ends, pageBytes, buffer: bytes.buffer, bytes: bytes.length }
      return await (await workers()).encode({ kind: 'encode', ...task, codecs: await references(codecs) })
    },
  }
}
