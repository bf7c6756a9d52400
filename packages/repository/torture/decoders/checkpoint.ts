import { checkpointContent } from '../../src/checkpoint/checkpoint.ts'
import { decodeState } from '../../src/checkpoint/state-columns.ts'
import { decode } from '../../src/msgpack.ts'
import type { Inside } from '../inside.ts'
import { isRangeError } from './decoder.ts'
import type { Decoder } from './decoder.ts'

export function checkpointDecoder({ state }: Inside): Decoder {
  return {
    name: 'checkpoint',
    samples: [checkpointContent(Buffer.alloc(32), state)],
    isMsgpack: true,
    take(bytes) {
      decodeState(decode(bytes), state.genesis, state.head)
    },
    isDocumented: isRangeError,
  }
}
