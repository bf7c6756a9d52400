import { createHash } from 'node:crypto'
import t from 'tap'
import type { HashStage, Tagger } from '@kpipe/engine/contracts'
import { hashConformance } from '@kpipe/engine/testing'
import sha from '../stages/sha.ts'
import { failures } from './failures.ts'

function hashStage(tags: Tagger['tags'], algorithm = () => 'sha256'): HashStage {
  return { ...sha, open: () => ({ algorithm: algorithm(), tags }) }
}

/** Tags of chunks as `digest` makes them. */
function each(digest: (chunk: Uint8Array, key: Uint8Array, index: number) => Uint8Array): Tagger['tags'] {
  return (bytes, ends, key, out) => {
    ends.forEach((end, index) => out.set(digest(bytes.subarray(ends[index - 1] ?? 0, end), key, index).subarray(0, 16), index * 16))
  }
}

const sha256 = (...parts: Uint8Array[]) => createHash('sha256').update(Buffer.concat(parts)).digest()

let opened = 0
let lastKey: Uint8Array | undefined

const broken: Record<string, { stage: HashStage; title: string; says: RegExp }> = {
  'without a key': {
    stage: hashStage(each((chunk) => sha256(chunk))),
    title: 'another key gives other tags, from one call to the next',
    says: /^the key does not change a tag$/,
  },
  'that keeps its first key': {
    stage: hashStage(each((chunk, key) => sha256((lastKey ??= key), chunk))),
    title: 'another key gives other tags, from one call to the next',
    says: /^the key does not change a tag$/,
  },
  'whose tags depend on the place': {
    stage: hashStage(each((chunk, key, index) => sha256(key, chunk, Uint8Array.of(index)))),
    title: 'a chunk has the tag that it has alone, wherever it stands',
    says: /^the tag of a chunk of 1 bytes, with others beside it, differs/,
  },
  'that writes 32 bytes': {
    stage: hashStage((bytes, ends, key, out) => {
      each((chunk, k) => sha256(k, chunk))(bytes, ends, key, out)
      new Uint8Array(out.buffer, out.byteOffset + out.length)[0] = 0
    }),
    title: 'every tag is written, and nothing beside them',
    says: /^bytes behind the tags were written$/,
  },
  'that leaves out a tag': {
    stage: hashStage((bytes, ends, key, out) => each((chunk, k) => sha256(k, chunk))(bytes, ends.subarray(1), key, out.subarray(16))),
    title: 'every tag is written, and nothing beside them',
    says: /^what was written over other bytes differs/,
  },
  'that reads the first page of a chunk': {
    stage: hashStage(each((chunk, key) => sha256(key, chunk.subarray(0, 4096)))),
    title: 'chunks that differ in a bit or in length have different tags',
    says: /different chunks have \d+ tags$/,
  },
  'that takes no shared memory': {
    stage: hashStage((bytes, ends, key, out) => {
      if (bytes.buffer instanceof SharedArrayBuffer) throw new TypeError('shared')
      each((chunk, k) => sha256(k, chunk))(bytes, ends, key, out)
    }),
    title: 'bytes in shared memory have the same tags',
    says: /^shared$/,
  },
  'whose name changes': {
    stage: hashStage(
      each((chunk, key) => sha256(key, chunk)),
      () => `sha-${opened++}`,
    ),
    title: 'its algorithm has a name, the same whenever it is opened',
    says: /another name/,
  },
  'that changes its key': {
    stage: hashStage(
      each((chunk, key) => {
        const tag = sha256(key, chunk)
        key[0]++
        return tag
      }),
    ),
    title: 'what it is given is left as it was',
    says: /^the key differs at byte 0/,
  },
}

t.test('a hasher that keeps its promises passes', async (t) => {
  t.same(await failures(hashConformance(sha)), {})
})

for (const [what, { stage, title, says }] of Object.entries(broken)) {
  t.test(`a hasher ${what} is caught`, async (t) => {
    const failed = await failures(hashConformance(stage))
    t.match(failed[title], says, title)
  })
}
