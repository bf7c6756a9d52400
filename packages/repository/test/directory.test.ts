import { test } from 'tap'
import { decodeDirectory, encodeDirectory } from '../src/packs/directory.ts'
import { PrefixTable } from '../src/packs/prefix-table.ts'
import { noise } from './made-repository.ts'

const kind = { epoch: 1, codecs: [{ stage: 'c', version: '1', settings: {} }], key: 'derived', pageBytes: 10 } as const

test('chunks that share their prefix are told apart by their full tags', async (t) => {
  const tags = noise(16 * 100, 'tags')
  // Chunks 3, 50 and 99 share 6 bytes; 50 and 99 are the same chunk twice. 20 repeats 10.
  for (const chunk of [50, 99]) tags.copy(tags, chunk * 16, 48, 54)
  tags.copy(tags, 99 * 16, 50 * 16, 51 * 16)
  tags.copy(tags, 20 * 16, 10 * 16, 11 * 16)
  const frame = {
    kind,
    offset: 48,
    lengths: [1000, 900],
    digest: noise(16, 'd'),
    tags,
    ends: Uint32Array.from({ length: 100 }, (_, index) => index * 10 + 10),
  }
  const directory = decodeDirectory(encodeDirectory('D', [frame]))
  t.same([...directory.fullTags.keys()], [3, 50, 99])
  const table = new PrefixTable(directory)
  for (let chunk = 0; chunk < 100; chunk++) {
    const found = table.find(tags, chunk * 16)
    if (found === undefined || tags.compare(tags, chunk * 16, chunk * 16 + 16, found * 16, found * 16 + 16) !== 0)
      t.fail(`chunk ${chunk} found at ${found}`)
  }
  const foreign = Buffer.from(tags.subarray(48, 64))
  foreign[15] ^= 1
  t.equal(table.find(foreign, 0), undefined)
  t.equal(table.find(noise(16, 'unknown'), 0), undefined)
})

test('frames of pages and frames of other lengths are described alike', async (t) => {
  const frames = [
    { ends: [10, 20, 25], plain: 25 },
    { ends: [7], plain: 7 },
    { ends: [3, 13, 14], plain: 14 },
    { ends: [3, 14], plain: 14 },
    { ends: [10, 25], plain: 25 },
    { ends: [10, 20, 30], plain: 30 },
  ].map(({ ends, plain }, index) => ({
    kind: index === 5 ? { ...kind, pageBytes: 0 } : kind,
    offset: 48 + index,
    lengths: [plain, plain - 1],
    digest: noise(16, `d${index}`),
    tags: noise(16 * ends.length, `t${index}`),
    ends: Uint32Array.from(ends),
  }))
  const directory = decodeDirectory(encodeDirectory('M', frames))
  t.equal(directory.class, 'M')
  directory.frames.forEach((frame, index) => {
    t.same([...frame.ends], [...frames[index].ends])
    t.same(frame.lengths, frames[index].lengths)
    t.same([frame.offset, frame.kind], [frames[index].offset, frames[index].kind])
    t.ok(Buffer.compare(frame.digest, frames[index].digest) === 0)
  })
  t.same(
    directory.frames.map((frame) => frame.firstChunk),
    [0, 3, 4, 7, 9, 11],
  )
})

test('a directory of no chunks and a table of none work', async (t) => {
  t.equal(new PrefixTable(decodeDirectory(encodeDirectory('D', []))).find(noise(16, 'x'), 0), undefined)
})
