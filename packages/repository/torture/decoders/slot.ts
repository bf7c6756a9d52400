import { openBundle, openSlotKey, parseSlot } from '../../src/keys/slot.ts'
import { keyFile } from '../../test/made-repository.ts'
import type { KnownRepository } from '../altered-repository.ts'
import type { Inside } from '../inside.ts'
import type { Decoder } from './decoder.ts'
import { withDigest } from './marker.ts'

/** Where the ephemeral public key lies in a slot without parameters. */
const ephemeralAt = 172
const smallOrderShare = 0.02

/** How many of those that parse are opened as well: X25519 takes its time. */
const openedShare = 0.05

export function slotDecoder({ store }: KnownRepository, { ring }: Inside): Decoder {
  const samples = [...store.objects].filter(([name]) => name.startsWith('keys/')).map(([, bytes]) => Buffer.from(bytes))
  const { repositoryId } = ring
  const secret = (keyFile as { readonly key: Uint8Array }).key
  const keys = samples.map((sample) => openSlotKey(repositoryId, parseSlot(sample)!, secret)).filter((key) => typeof key !== 'string')
  return {
    name: 'slot',
    samples,
    isMsgpack: false,
    finish(bytes, dice) {
      if (dice() >= smallOrderShare || bytes.length < ephemeralAt + 32) return withDigest(bytes, dice)
      // A point of small order, for which X25519 has no result.
      return withDigest(Buffer.from(bytes).fill(0, ephemeralAt, ephemeralAt + 32), dice)
    },
    take(bytes, dice) {
      const slot = parseSlot(bytes)
      if (slot === undefined || dice() >= openedShare) return
      openSlotKey(repositoryId, slot, secret)
      openBundle(repositoryId, slot, keys[0])
    },
    isDocumented: () => false,
  }
}
