import { dice } from '../../test/made-repository.ts'
import { knownRepository, said } from '../altered-repository.ts'
import { boltDecoder } from '../decoders/bolt.ts'
import { checkpointDecoder } from '../decoders/checkpoint.ts'
import type { Decoder } from '../decoders/decoder.ts'
import { directoryDecoder } from '../decoders/directory.ts'
import { entryDecoder } from '../decoders/entry.ts'
import { manifestDecoder } from '../decoders/manifest.ts'
import { markerDecoder } from '../decoders/marker.ts'
import { partDecoder } from '../decoders/part.ts'
import { slotDecoder } from '../decoders/slot.ts'
import { insideOf } from '../inside.ts'
import { mutateBytes, mutateValues, randomInput } from '../mutate.ts'
import type { Suite, Trial } from '../suite.ts'

const inputs = 1_000_000
/** What one input may take, on a machine with other things to do. */
const mostMs = 4_000
/** What all inputs of a decoder together may add to the memory of the process, at any moment. */
const mostBytes = 768 * 2 ** 20
const names = ['marker', 'slot', 'log entry', 'pack directory', 'recipe part', 'manifest', 'checkpoint', 'bolt page']
const [mutated, altered, random] = ['bytes mutated', 'values altered', 'random bytes'] as const

/** Every decoder of bytes that a stranger may have written: it decodes, or throws what it says that it throws. */
export const decodersSuite: Suite = {
  name: 'decoders',
  kinds: [...names, mutated, altered, random],
  async run(trial) {
    const known = await knownRepository(`${trial.seed} decoders`)
    const inside = await insideOf(known.store)
    const decoders = [
      markerDecoder(known),
      slotDecoder(known, inside),
      entryDecoder(known, inside),
      directoryDecoder(known, inside),
      partDecoder(known, inside),
      manifestDecoder(inside),
      checkpointDecoder(inside),
      boltDecoder(),
    ]
    for (const decoder of decoders) await fuzz(trial, decoder)
  },
}

async function fuzz(trial: Trial, decoder: Decoder): Promise<void> {
  const before = peakBytes()
  let last = 0
  for (let index = 0; index < inputs; index++) {
    const number = trial.next()
    if (number === undefined) continue
    last = number
    const roll = dice(trial.seed * 1_000_003 + number)
    const { bytes, kind } = inputOf(decoder, roll)
    trial.count(decoder.name)
    trial.count(kind)
    const began = performance.now()
    try {
      const taken = decoder.take(bytes, roll)
      if (taken !== undefined) await taken
    } catch (error) {
      if (!decoder.isDocumented(error)) trial.fail(number, `${decoder.name}, ${kind}: ${said(error)}`)
    }
    const ms = performance.now() - began
    if (ms > mostMs) trial.fail(number, `${decoder.name}, ${kind}: ${bytes.length} bytes take ${ms.toFixed(0)} ms`)
  }
  const grown = peakBytes() - before
  if (grown > mostBytes) trial.fail(last, `${decoder.name}: the inputs up to this one took ${(grown / 2 ** 20).toFixed(0)} MiB`)
}

function inputOf({ samples, isMsgpack, finish }: Decoder, roll: () => number): { bytes: Buffer; kind: string } {
  const pick = (): Buffer => samples[Math.floor(roll() * samples.length)]
  const way = roll()
  const kind = way < 0.1 ? random : isMsgpack && way < 0.6 ? altered : mutated
  const bytes =
    kind === random ? randomInput(roll) : kind === altered ? mutateValues(pick(), pick(), roll) : mutateBytes(pick(), pick(), roll)
  return { bytes: finish?.(bytes, roll) ?? bytes, kind }
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024
}
