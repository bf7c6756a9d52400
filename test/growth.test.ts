import { writeFileSync } from 'node:fs'
import { test } from 'tap'
import { readKeyFile } from '../packages/repository/src/keys/key-file.ts'
import { fixedHistory } from './support/fixed-history.ts'
import { lastLine, place } from './support/place.ts'
import { storedSizes, type StoredSizes } from './support/stored-sizes.ts'

/**
 * What the history took when it was last looked at. Keys and tags are random, but no size depends on them; frames depend on the zstd of the
 * pinned Node. A change that makes one of them smaller lowers it here; one that makes it larger needs a reason in its commit.
 */
const expected: Readonly<Record<string, StoredSizes>> = {
  first: { freshChunks: 1289, frames: 2, frameBytes: 886_010, packs: [1, 1], packBytes: [901_120, 21_504] },
  'an hour later': { freshChunks: 1812, frames: 2, frameBytes: 327_394, packs: [1, 1], packBytes: [344_064, 31_744] },
  unchanged: { freshChunks: 0, frames: 0, frameBytes: 0, packs: [0, 0], packBytes: [0, 0] },
  defragmented: { freshChunks: 1814, frames: 2, frameBytes: 1_034_320, packs: [1, 1], packBytes: [1_048_576, 29_696] },
  'one value in 200 changed': { freshChunks: 29, frames: 1, frameBytes: 11_309, packs: [1, 1], packBytes: [12_288, 992] },
}

/** OPEN and SNAPSHOT. They name the host and the source's path, whose lengths move them from one step of padding to the next. */
const maxLogBytes = 2_304

test('a fixed history takes no more chunks, frames, packs and bytes than it did', async (t) => {
  const at = await place(t, '{ use: file, with: { path: ./input } }')
  const history = await fixedHistory()
  const stored: number[] = []
  for (const { title, bytes } of history) {
    writeFileSync(at.at('input'), bytes)
    const run = await at.kpipe(['run', '--json'])
    t.equal(run.code, 0, `${title}: ${run.stderr}`)
    stored.push(Number(lastLine(run)['bytes_stored']))
  }
  const sizes = await storedSizes(at.at('repository'), await readKeyFile(at.at('repository.key')))
  t.same(
    history.map(({ title }) => title),
    Object.keys(expected),
  )
  for (const [index, { title }] of history.entries()) {
    t.same(sizes[index], expected[title], title)
    const [chunks, recipes] = sizes[index]!.packBytes
    const logBytes = stored[index]! - chunks - recipes
    t.ok(logBytes > 0 && logBytes <= maxLogBytes, `${title}: ${logBytes} bytes of log`)
  }
})
