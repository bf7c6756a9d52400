import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { BoltError, findPageBytes, hashKv, lookSegment, memoryPages, openBolt, statusCollector, walk } from '@kpipe/bolt'
import type { Decoder } from './decoder.ts'

const fixtures = join(import.meta.dirname, '../fixtures')

/** A walk over all items, the look at segments and what they come to, or HashKV, which walks twice. */
export function boltDecoder(): Decoder {
  // Built as bbolt lays it out, with branches, an overflow page, an inline bucket and stale pages; and written by bbolt itself.
  const samples = ['tree-1k.db.gz', 'tree-1k.db.gz', 'tree-1k.db.gz', 'nested-4k.db.gz'].map((name) =>
    gunzipSync(readFileSync(join(fixtures, name))),
  )
  return {
    name: 'bolt page',
    samples,
    isMsgpack: false,
    finish: finishPages,
    take(bytes, dice) {
      const way = dice()
      return way < 0.45 ? walkAll(bytes) : way < 0.9 ? look(bytes, dice) : hashAll(bytes)
    },
    isDocumented: (error) => error instanceof BoltError,
  }
}

/** Some words in the heads of pages, where the tree is. */
function finishPages(bytes: Buffer, dice: () => number): Buffer {
  const own = Buffer.from(bytes)
  const pages = Math.floor(own.length / 1024)
  if (pages < 2) return own
  for (let left = Math.floor(dice() * 3); left > 0; left--) {
    const at = Math.floor(dice() * pages) * 1024 + 4 * Math.floor(dice() * 24)
    own.writeUInt32LE([0, 1, 2, 3, 4, 16, pages - 1, pages, 0xffff, 0xffff_ffff, Math.floor(dice() * pages)][Math.floor(dice() * 11)], at)
  }
  return own
}

async function walkAll(bytes: Buffer): Promise<void> {
  let bytesSeen = 0
  for await (const { key, value } of walk(await openBolt(memoryPages(bytes)))) bytesSeen += key.length + (value?.length ?? 0)
  if (bytesSeen > bytes.length) throw new Error(`a walk over ${bytes.length} bytes found ${bytesSeen}`)
}

async function hashAll(bytes: Buffer): Promise<void> {
  await hashKv(await openBolt(memoryPages(bytes)))
}

function look(bytes: Buffer, dice: () => number): void {
  const plan = { pageBytes: findPageBytes(bytes) ?? 1024, seed: 7 }
  const segmentBytes = [plan.pageBytes, 3 * plan.pageBytes, 1000, 64 * plan.pageBytes][Math.floor(dice() * 4)]
  const collector = statusCollector(plan)
  for (let position = 0; position < bytes.length; position += segmentBytes) {
    const segment = bytes.subarray(position, position + segmentBytes)
    collector.take(lookSegment(segment, position, plan), segment, position)
  }
  collector.conclude()
}
