import { type HashStage, tagBytes, type Tagger, tagKeyBytes } from '../contracts/index.ts'
import { type ConformanceCase, demand, demandSameBytes, type GivenSettings } from './conformance-case.ts'
import { descriptionCases, filled } from './description.ts'
import { noise, shared } from './sample-bytes.ts'

const key = noise(tagKeyBytes, 3)

/** The promises of a hasher. */
export function hashConformance(stage: HashStage<never>, options: { readonly settings?: GivenSettings } = {}): ConformanceCase[] {
  const open = async (): Promise<Tagger> => stage.open(await filled<never>(stage, options.settings))
  const lengths = [1, 2, 63, 64, 65, 4096, 4096, 70_000, 1 << 20, 1]
  const ends = endsOf(lengths)
  const bytes = noise(ends.at(-1)!)
  const cases: ConformanceCase[] = [
    {
      title: 'its algorithm has a name, the same whenever it is opened',
      async run() {
        const { algorithm } = await open()
        demand(/^[a-z0-9-]+$/.test(algorithm), `the algorithm is called ${JSON.stringify(algorithm)}`)
        demand((await open()).algorithm === algorithm, 'the algorithm has another name when it is opened again')
      },
    },
    {
      title: 'a chunk has the tag that it has alone, wherever it stands',
      async run() {
        const [tagger, later] = [await open(), await open()]
        const together = tagsOf(tagger, bytes, ends)
        for (let chunk = ends.length - 1; chunk >= 0; chunk--) {
          const alone = bytes.slice(chunk === 0 ? 0 : ends[chunk - 1], ends[chunk])
          const tag = tagsOf(later, alone, Uint32Array.of(alone.length))
          demandSameBytes(
            together.subarray(chunk * tagBytes, (chunk + 1) * tagBytes),
            tag,
            `the tag of a chunk of ${alone.length} bytes, with others beside it,`,
          )
        }
        demandSameBytes(tagsOf(tagger, bytes, ends), together, 'a second answer')
      },
    },
    {
      title: 'every tag is written, and nothing beside them',
      async run() {
        const tagger = await open()
        const [low, high] = [new Uint8Array(400).fill(0x55), new Uint8Array(400).fill(0xaa)]
        const written = ends.length * tagBytes
        for (const room of [low, high]) tagger.tags(bytes, ends, key.slice(), room.subarray(32, 32 + written))
        demandSameBytes(low.subarray(32, 32 + written), high.subarray(32, 32 + written), 'what was written over other bytes')
        demand(
          low.subarray(0, 32).every((byte) => byte === 0x55),
          'bytes before the tags were written',
        )
        demand(
          low.subarray(32 + written).every((byte) => byte === 0x55),
          'bytes behind the tags were written',
        )
      },
    },
    {
      title: 'bytes in shared memory have the same tags',
      async run() {
        const tagger = await open()
        demandSameBytes(tagsOf(tagger, shared(bytes), ends), tagsOf(tagger, bytes, ends), 'what shared memory is tagged with')
      },
    },
    {
      title: 'another key gives other tags, from one call to the next',
      async run() {
        const tagger = await open()
        const before = tagsOf(tagger, bytes, ends)
        const other = tagsOf(tagger, bytes, ends, noise(tagKeyBytes, 4))
        demandSameBytes(tagsOf(tagger, bytes, ends), before, 'what the first key gives after another one')
        for (let at = 0; at < before.length; at += tagBytes) {
          demand(
            Buffer.compare(before.subarray(at, at + tagBytes), other.subarray(at, at + tagBytes)) !== 0,
            'the key does not change a tag',
          )
        }
      },
    },
    {
      title: 'chunks that differ in a bit or in length have different tags',
      async run() {
        const tagger = await open()
        const chunks: Uint8Array[] = [1, 2, 3, 4096, 4097, 65_536].map((length) => new Uint8Array(length))
        for (let at = 0; at < 4096; at += 17) {
          const chunk = new Uint8Array(4096)
          chunk[at] = 1 << (at % 8)
          chunks.push(chunk)
        }
        const tags = tagsOf(tagger, Buffer.concat(chunks), endsOf(chunks.map((chunk) => chunk.length)))
        const seen = new Set(chunks.map((_, chunk) => Buffer.from(tags.subarray(chunk * tagBytes, (chunk + 1) * tagBytes)).toString('hex')))
        demand(seen.size === chunks.length, `${chunks.length} different chunks have ${seen.size} tags`)
      },
    },
    {
      title: 'what it is given is left as it was',
      async run() {
        const given = { bytes: bytes.slice(), ends: ends.slice(), key: key.slice() }
        const tagger = await open()
        tagger.tags(given.bytes, given.ends, given.key, new Uint8Array(ends.length * tagBytes))
        demandSameBytes(given.bytes, bytes, 'the segment')
        demandSameBytes(given.key, key, 'the key')
        demandSameBytes(new Uint8Array(given.ends.buffer), new Uint8Array(ends.buffer), 'the list of ends')
      },
    },
  ]
  return [...descriptionCases(stage, 'hash'), ...cases]
}

function tagsOf(tagger: Tagger, bytes: Uint8Array, ends: Uint32Array, tagKey: Uint8Array = key): Uint8Array {
  const out = new Uint8Array(ends.length * tagBytes)
  tagger.tags(bytes, ends, tagKey.slice(), out)
  return out
}

function endsOf(lengths: readonly number[]): Uint32Array {
  let end = 0
  return Uint32Array.from(lengths, (length) => (end += length))
}
