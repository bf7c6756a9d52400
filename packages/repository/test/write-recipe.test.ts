import { test } from 'tap'
import { RecipePackTable, decodeChain } from '../src/recipes/chain.ts'
import { baseOf, partChunks } from '../src/recipes/part.ts'
import type { Recipe } from '../src/recipes/read-recipe.ts'
import { writeRecipe } from '../src/recipes/write-recipe.ts'
import type { WrittenRecipe } from '../src/recipes/write-recipe.ts'
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
    const written = await writeRecipe({
      segments: [{ tags, lengths, origins }],
      chunks,
      regular: true,
      parent,
      ownPacks: [own],
      packOfFrame: [0],
      recipePacks,
      async store(plain) {
        if (baseOf(plain) === undefined) full += 1
        return { tag: Buffer.from(`${round}/${stored++}`.padEnd(16)), link: { pack: own, offset: 48, storedBytes: plain.length, epoch: 1 } }
      },
    })
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
