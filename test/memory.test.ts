import { createCipheriv } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { test } from 'tap'
import { memoryBounds } from './support/memory-bounds.ts'
import { peakMemory } from './support/peak-memory.ts'
import { lastLine, place } from './support/place.ts'

const gibibyte = 1 << 30
const streamBytes = 3 * gibibyte
const pageBytes = 4096

/** Pages of which no two are alike, and which do not compress. */
function* uniquePages(): Generator<Buffer> {
  const keystream = createCipheriv('aes-128-ctr', Buffer.alloc(16, 5), Buffer.alloc(16))
  const zeros = Buffer.alloc(1 << 20)
  for (let done = 0; done < streamBytes; done += zeros.length) yield keystream.update(zeros)
}

test('3 GiB of unique incompressible pages stay within the memory that ARCHITECTURE.md states', async (t) => {
  const stages = `stages: [{ use: chunk, with: { pageBytes: ${pageBytes} } }, { use: hash }, { use: compress }, { use: seal }]`
  const at = await place(t, "{ use: file, with: { path: '-' } }", stages)
  const peak = peakMemory(at)
  const { child, ended } = at.spawn(['run', '--json'], { ...peak.options, input: { open: true } })
  await pipeline(Readable.from(uniquePages()), child.stdin!)
  const run = await ended
  t.equal(run.code, 0, run.stderr)
  t.match(lastLine(run), { bytes_read: streamBytes, bytes_fresh: streamBytes, chunks: streamBytes / pageBytes })
  const bound = memoryBounds(streamBytes, pageBytes)
  t.ok(peak.mebibytes() <= bound.run, `run: ${peak.mebibytes().toFixed()} MiB, bound ${bound.run.toFixed()} MiB`)

  const nowhere = openSync('/dev/null', 'w')
  const restored = await at.kpipe(['restore', 'latest', '-to', '-'], { ...peak.options, outputFd: nowhere })
  closeSync(nowhere)
  t.equal(restored.code, 0, restored.stderr)
  t.ok(peak.mebibytes() <= bound.restoreInOrder, `restore: ${peak.mebibytes().toFixed()} MiB, bound ${bound.restoreInOrder.toFixed()} MiB`)
})
