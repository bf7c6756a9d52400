import { alteredFault, isNeeded, knownRepository, replacing } from '../altered-repository.ts'
import type { KnownRepository } from '../altered-repository.ts'
import { insideOf } from '../inside.ts'
import { packName } from '../../src/packs/pack-name.ts'
import { unitOverheadBytes } from '../../src/sealed-unit.ts'
import { dice, noise } from '../../test/made-repository.ts'
import type { Suite, Trial } from '../suite.ts'

const rounds = 2
const cutsPerObject = 32
const [truncated, appended, removed, swapped, doubled, foreign, frames, foreignFrames] = [
  'truncated',
  'junk appended',
  'removed',
  'two swapped',
  'one under the name of another',
  'of another repository',
  'frames swapped',
  'frame of another repository',
] as const

/** What is to be under some names, and how that came. */
interface Alteration {
  readonly kind: string
  readonly what: string
  readonly changes: ReadonlyMap<string, Uint8Array | undefined>
}

interface Frame {
  readonly pack: string
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Whole objects and whole frames, true ones, where they do not belong; objects that are cut off, longer, or gone. */
export const misplacedSuite: Suite = {
  name: 'misplaced',
  kinds: [truncated, appended, removed, swapped, doubled, foreign, frames, foreignFrames],
  async run(trial) {
    for (let round = 0; round < rounds; round++) {
      const other = await knownRepository(`${trial.seed} misplaced, other ${round}`)
      const known = await knownRepository(`${trial.seed} misplaced ${round}`)
      const roll = dice(trial.seed * 31 + round)
      for (const alteration of [...onObjects(known, other, roll), ...onFrames(await framesOf(known), await framesOf(other), known)])
        await alter(trial, known, alteration)
    }
  },
}

async function alter(trial: Trial, known: KnownRepository, { kind, what, changes }: Alteration): Promise<void> {
  const number = trial.next(kind)
  if (number === undefined) return
  trial.count(kind)
  const needed = [...changes.keys()].some((name) => isNeeded(known, name))
  const fault = await replacing(known.store, changes, () => alteredFault(known, needed))
  if (fault !== undefined) trial.fail(number, `${what} ${kind}: ${fault}`)
}

function* onObjects(known: KnownRepository, other: KnownRepository, roll: () => number): Generator<Alteration> {
  const { objects } = known.store
  for (const [name, bytes] of objects) {
    for (const length of cutsOf(bytes.length, roll)) {
      yield { kind: truncated, what: `${name} at byte ${length}`, changes: new Map([[name, bytes.subarray(0, length)]]) }
    }
    for (const junk of [Buffer.of(0), noise(1, name), noise(16, name), bytes.subarray(-64), bytes, noise(4096, name)]) {
      yield { kind: appended, what: `${name} and ${junk.length} bytes`, changes: new Map([[name, Buffer.concat([bytes, junk])]]) }
    }
    yield { kind: removed, what: name, changes: new Map([[name, undefined]]) }
    const strange = counterpart(known, other, name)
    if (strange !== undefined) yield { kind: foreign, what: name, changes: new Map([[name, strange]]) }
  }
  for (const names of Map.groupBy(objects.keys(), kindOf).values()) {
    for (const [index, one] of names.entries()) {
      for (const two of names.slice(index + 1)) {
        const [first, second] = [objects.get(one)!, objects.get(two)!]
        yield { kind: swapped, what: `${one} and ${two}`, changes: new Map([[one, second], [two, first]]) } // prettier-ignore
        yield { kind: doubled, what: `${one} as ${two}`, changes: new Map([[two, first]]) }
        yield { kind: doubled, what: `${two} as ${one}`, changes: new Map([[one, second]]) }
      }
    }
  }
}

function* onFrames(own: readonly Frame[], strange: readonly Frame[], { store }: KnownRepository): Generator<Alteration> {
  const put = (changes: Map<string, Uint8Array>, { pack, offset }: Frame, bytes: Uint8Array): void => {
    const altered = changes.get(pack) ?? Uint8Array.from(store.objects.get(pack)!)
    altered.set(bytes, offset)
    changes.set(pack, altered)
  }
  for (const [index, one] of own.entries()) {
    for (const two of own.slice(index + 1)) {
      if (one.bytes.length !== two.bytes.length || Buffer.compare(one.bytes, two.bytes) === 0) continue
      const changes = new Map<string, Uint8Array>()
      put(changes, one, two.bytes)
      put(changes, two, one.bytes)
      yield { kind: frames, what: `byte ${one.offset} of ${one.pack} and byte ${two.offset} of ${two.pack}`, changes }
    }
    for (const two of strange) {
      if (one.bytes.length !== two.bytes.length || Buffer.compare(one.bytes, two.bytes) === 0) continue
      const changes = new Map<string, Uint8Array>()
      put(changes, one, two.bytes)
      yield { kind: foreignFrames, what: `byte ${one.offset} of ${one.pack}`, changes }
    }
  }
}

async function framesOf({ store }: KnownRepository): Promise<Frame[]> {
  const { packs } = await insideOf(store)
  return packs.flatMap(({ pack, directory }) => {
    const name = packName(pack.id)
    return directory.frames.map(({ kind, offset, lengths }) => {
      const length = kind.key === 'unit' ? lengths[0] + unitOverheadBytes : lengths.at(-1)!
      return { pack: name, offset, bytes: store.objects.get(name)!.slice(offset, offset + length) }
    })
  })
}

/** All of the ends that matter, and some others. */
function cutsOf(length: number, roll: () => number): Set<number> {
  const cuts = new Set([0, 1, 12, 72, Math.floor(length / 2), length - 32, length - 16, length - 1])
  while (cuts.size < Math.min(cutsPerObject, length)) cuts.add(Math.floor(roll() * length))
  return new Set([...cuts].filter((cut) => cut >= 0 && cut < length))
}

/** The object of the other repository that has the same place in it. */
function counterpart(known: KnownRepository, other: KnownRepository, name: string): Uint8Array | undefined {
  const own = [...known.store.objects.keys()].filter((one) => kindOf(one) === kindOf(name))
  const strange = [...other.store.objects.keys()].filter((one) => kindOf(one) === kindOf(name))
  return other.store.objects.get(strange[own.indexOf(name) % Math.max(1, strange.length)])
}

/** The last two digits of a pack tell its place within its writer, which tells its class here. */
function kindOf(name: string): string {
  return name.startsWith('packs/') ? name.slice(0, 'packs/00'.length) : name.split('/')[0]
}
