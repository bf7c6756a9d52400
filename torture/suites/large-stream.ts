import { createCipheriv } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Suite } from '../../packages/repository/torture/suite.ts'
import { memoryBounds } from '../../test/support/memory-bounds.ts'
import { peakMemory } from '../../test/support/peak-memory.ts'
import { lastLine, place } from '../../test/support/place.ts'

const gibibytes = 8
const pageBytes = 4096
const stages = `stages: [{ use: chunk, with: { pageBytes: ${pageBytes} } }, { use: hash }, { use: compress }, { use: seal }]`

/** A stream of pages of which no two are alike and which do not compress, backed up and restored within the stated memory. */
export const largeStreamSuite: Suite = {
  name: 'large-stream',
  kinds: ['run, peak MiB', 'restore in order, peak MiB'],
  async run(trial) {
    const streamBytes = Math.max(1, Math.round(gibibytes * trial.share)) * 2 ** 30
    const cleanings: (() => void)[] = []
    try {
      const at = await place({ after: (done) => void cleanings.push(done) }, "{ use: file, with: { path: '-' } }", stages)
      const peak = peakMemory(at)
      const bounds = memoryBounds(streamBytes, pageBytes)
      const { child, ended } = at.spawn(['run', '--json'], { ...peak.options, input: { open: true } })
      await pipeline(Readable.from(uniquePages(streamBytes)), child.stdin!)
      const run = await ended
      trial.done()
      if (run.code !== 0 || lastLine(run)['bytes_fresh'] !== streamBytes) return trial.fail(1, `run ended with ${run.code}: ${run.stderr}`)
      trial.count('run, peak MiB', Math.round(peak.mebibytes()))
      if (peak.mebibytes() > bounds.run) return trial.fail(1, `run: ${peak.mebibytes()} MiB, bound ${bounds.run} MiB`)

      const nowhere = openSync('/dev/null', 'w')
      const restored = await at.kpipe(['restore', 'latest', '-to', '-'], { ...peak.options, outputFd: nowhere })
      closeSync(nowhere)
      trial.done()
      if (restored.code !== 0) return trial.fail(2, `restore ended with ${restored.code}: ${restored.stderr}`)
      trial.count('restore in order, peak MiB', Math.round(peak.mebibytes()))
      if (peak.mebibytes() > bounds.restoreInOrder) trial.fail(2, `restore: ${peak.mebibytes()} MiB, bound ${bounds.restoreInOrder} MiB`)
    } finally {
      for (const clean of cleanings) clean()
    }
  },
}

function* uniquePages(streamBytes: number): Generator<Buffer> {
  const keystream = createCipheriv('aes-128-ctr', Buffer.alloc(16, 5), Buffer.alloc(16))
  const zeros = Buffer.alloc(1 << 20)
  for (let done = 0; done < streamBytes; done += zeros.length) yield keystream.update(zeros)
}
