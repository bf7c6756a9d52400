import { test } from 'tap'
import { RecipePackTable, decodeChain } from '../src/recipes/chain.ts'
import { baseOf, partChunks } from '../src/recipes/part.ts'
import type { Recipe } from '../src/recipes/read-recipe.ts'
import { RecipeWriter } from '../src/recipes/recipe-writer.ts'
import type { WrittenRecipe } from '../src/recipes/recipe-writer.ts'
import { madeRepository, noise, reopened } from './made-repository.ts'
import { backUp, pageBytes, restore } from './paged-backup.ts'

const linkBytes = 14

test('parts are stored as changes up to 32 deep, then in full, and every depth reads the same', async (t) => {
  const { store, repository } = await madeRepository()
  const bytes = noise(300 * pageBytes, 'deep')
  const taken: { id: string; bytes: Buffer }[] = []
  const depths: number[] = []
  for (let round = 0; round < 70; round++) {
    bytes.fill(round, round * pageBytes, (round + 2) * pageBytes)
    const { snapshot } = await backUp(repository, bytes)
    taken.push({ id: snapshot.id, bytes: Buffer.from(bytes) })
    depths.push(snapshot.manifest.streams[0].parts[0].chain.length / linkBytes - 1)
  }
  t.equal(Math.max(...depths), 32)
  t.same(depths.slice(30, 36), [30, 31, 32, 0, 1, 2])
  const reader = await reopened(store)
  for (const { id, bytes: expected } of taken) t.ok((await restore(reader, reader.find(id))).equals(expected))
})

test('parts of one stream do not turn full in the same snapshot', async (t) => {
  const chunks = 4 * partChunks
  const tags = noise(chunks * 16, 'tags')
  const lengths = new Uint32Array(chunks).fill(4096)
  let parent: Recipe | undefined
  const turns: number[] = []
  for (let round = 0; round < 40; round++) {
    const own = String(round).padStart(32, '0')
    const origins = Int32Array.from({ length: chunks }, (_, index) => (parent === undefined || index % partChunks === round ? ~0 : index))
    let [stored, full] = [0, 0]
    const recipePacks = new RecipePackTable()
    const writer = new RecipeWriter({
      pageBytes: 4096,
      parent,
      recipePacks,
      async store(plain) {
        if (baseOf(plain) === undefined) full += 1
        return { tag: Buffer.from(`${round}/${stored++}`.padEnd(16)), link: { pack: own, offset: 48, storedBytes: plain.length, epoch: 1 } }
      },
    })
    writer.add({ tags, lengths, origins })
    writer.place(own)
    const written = await writer.finish()
    t.equal(stored, 4)
    if (round > 0) turns.push(full)
    parent = afterwards(parent, { tags, origins, own, written, recipePacks: recipePacks.finish() })
  }
  t.ok(Math.max(...turns) === 1, `at most one full part a snapshot: ${turns.join('')}`)
  t.ok(turns.filter((full) => full === 1).length >= 4)
})

interface Written {
  readonly tags: Buffer
  readonly origins: Int32Array
  readonly own: string
  readonly written: WrittenRecipe
  readonly recipePacks: Buffer
}

/** What a reader would make of the recipe that was just written. */
function afterwards(parent: Recipe | undefined, { tags, origins, own, written, recipePacks }: Written): Recipe {
  const table = [...(parent?.table ?? []), own]
  const shared = new SharedArrayBuffer(tags.length)
  new Uint8Array(shared).set(tags)
  const parts = written.parts.map(({ tag, count, chain }) => ({
    tag,
    count,
    chain: decodeChain(chain, recipePacks),
    table: table.map((_, index) => index),
  }))
  return {
    count: origins.length,
    tags: shared,
    packs: Uint32Array.from(origins, (origin) => (origin < 0 ? table.length - 1 : parent!.packs[origin])),
    table,
    lengths: undefined,
    parts,
  }
}

test('a chain ends when its changes weigh more than six full parts', async (t) => {
  const { repository } = await madeRepository()
  const depths: number[] = []
  for (let round = 0; round < 12; round++) {
    const bytes = noise(5000 * pageBytes, 'half')
    noise(3500 * pageBytes, `half${round}`).copy(bytes)
    const { snapshot } = await backUp(repository, bytes)
    depths.push(snapshot.manifest.streams[0].parts[0].chain.length / linkBytes - 1)
  }
  t.same(depths, [0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 2])
})

test('a part that changed for the most part is stored in full', async (t) => {
  const { repository } = await madeRepository()
  await backUp(repository, noise(1000 * pageBytes, 'x'))
  const { snapshot } = await backUp(repository, noise(1000 * pageBytes, 'y'))
  t.equal(snapshot.manifest.streams[0].parts[0].chain.length, linkBytes)
})

test('a part is stored as soon as its frames have packs, and its memory used for the next', async (t) => {
  const stored: string[] = []
  const own = '0'.repeat(32)
  const writer = new RecipeWriter({
    pageBytes: 4096,
    parent: undefined,
    recipePacks: new RecipePackTable(),
    async store(plain) {
      stored.push(`after frame ${writer.framesPlaced - 1}`)
      return { tag: noise(16, `tag ${stored.length}`), link: { pack: own, offset: 48, storedBytes: plain.length, epoch: 1 } }
    },
  })
  const step = 1024
  const perPart = partChunks / step
  const lengths = new Uint32Array(step).fill(4096)
  for (let frame = 0; frame < 3 * perPart; frame++) {
    writer.add({ tags: noise(16 * step, `tags ${frame}`), lengths, origins: new Int32Array(step).fill(~frame) })
    // Frames reach their packs some segments later.
    if (frame >= 3) writer.place(own)
    await writer.settled()
  }
  for (let frame = 0; frame < 3; frame++) writer.place(own)
  const { parts } = await writer.finish()
  t.same(
    stored,
    [perPart - 1, 2 * perPart - 1, 3 * perPart - 1].map((frame) => `after frame ${frame}`),
  )
  t.same(
    parts.map(({ count }) => count),
    [partChunks, partChunks, partChunks],
  )
})

test('a stream of pages with another piece in its middle is refused', (t) => {
  const recipePacks = new RecipePackTable()
  const store = (): never => t.fail('a part was stored') as never
  const writerOf = (): RecipeWriter => new RecipeWriter({ pageBytes: 4096, parent: undefined, recipePacks, store })
  const segment = (...lengths: number[]): Parameters<RecipeWriter['add']>[0] => ({
    tags: noise(16 * lengths.length, 'tags'),
    lengths: Uint32Array.from(lengths),
    origins: new Int32Array(lengths.length).fill(~0),
  })
  const refusal = { code: 'KPIPE_STAGE_FAILED', message: /cut into other pieces/ }
  t.throws(() => writerOf().add(segment(4096, 100, 4096)), refusal)
  t.throws(() => writerOf().add(segment(4096, 8192)), refusal)
  const writer = writerOf()
  writer.add(segment(4096, 100))
  t.throws(() => writer.add(segment(4096)), refusal)
  t.end()
})
