import assert from 'node:assert/strict'
import { KpipeError } from '@kpipe/engine/contracts'
import { decodeManifest } from '../../src/manifest.ts'
import { decodeChain } from '../../src/recipes/chain.ts'
import { snapshotOf } from '../../src/snapshot.ts'
import type { Inside } from '../inside.ts'
import type { Decoder } from './decoder.ts'

export function manifestDecoder({ state }: Inside): Decoder {
  const samples = [...state.snapshots.values()].map(({ manifest }) => {
    assert(manifest instanceof Uint8Array)
    return Buffer.from(manifest)
  })
  return {
    name: 'manifest',
    samples,
    isMsgpack: true,
    take(bytes) {
      const manifest = decodeManifest(bytes)
      const { time } = snapshotOf('0'.repeat(64), manifest)
      time.toISOString()
      for (const { parts } of manifest.streams) {
        for (const { chain } of parts) for (const { pack } of decodeChain(chain, manifest.recipe_packs)) assert.equal(pack.length, 32)
      }
    },
    isDocumented: (error) => error instanceof KpipeError && error.code === 'KPIPE_FORMAT_UNSUPPORTED',
  }
}
