import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import type { SealedStream } from '@kpipe/engine/contracts'
import type { SealedReaderOptions } from '@kpipe/engine'
import { test } from 'tap'
import { leftFile } from '../../src/salvage/left-file.ts'
import { sampleSnapshot } from '../support/workplace.ts'

const bytes = readFileSync(sampleSnapshot)
const pageBytes = 4096
const signal = new AbortController().signal

/** The sample as a sealed stream: chunks of `chunkBytes`, three to a frame, in frames of which some are lost. */
function sealed(chunkBytes: number, lost: readonly number[]): Omit<SealedReaderOptions, 'cacheBytes'> & { readonly loads: number[] } {
  const chunks = Math.ceil(bytes.length / chunkBytes)
  const starts = (chunk: number): number => Math.min(bytes.length, chunk * chunkBytes)
  const frames = Math.ceil(chunks / 3)
  const loads: number[] = []
  const place = (chunk: number) => ({ frame: frames - 1 - (chunk % frames), slot: Math.floor(chunk / frames) })
  const stream: SealedStream = {
    bytes: bytes.length,
    digest: new Uint8Array(32),
    chunks,
    pageBytes: chunkBytes === pageBytes ? pageBytes : 0,
    starts,
    tags: new Uint8Array(16 * chunks),
    tagKey: new Uint8Array(64),
    tagAlgorithm: 'none',
    frameOf: Uint32Array.from({ length: chunks }, (_, chunk) => place(chunk).frame),
    slotOf: Uint32Array.from({ length: chunks }, (_, chunk) => place(chunk).slot),
    frames,
    async load(frame) {
      loads.push(frame)
      if (lost.includes(frame)) throw new KpipeError('KPIPE_DAMAGED', `frame ${frame} is lost`)
      const inside = Array.from({ length: chunks }, (_, chunk) => chunk).filter((chunk) => place(chunk).frame === frame)
      const pieces = inside.map((chunk) => bytes.subarray(starts(chunk), starts(chunk + 1)))
      let end = 0
      const ends = Uint32Array.from(pieces, (piece) => (end += piece.length))
      return {
        bytes: Buffer.concat(pieces),
        codecs: [],
        secrets: { key: new Uint8Array(), binding: new Uint8Array() },
        lengths: [end],
        ends,
        pageBytes: 0,
      }
    },
  }
  const workers = {
    // Gives the wanted chunks, as the worker does.
    async decode({ bytes: plain, ends, wanted }: { bytes: Uint8Array; ends: Uint32Array; wanted: Uint32Array }) {
      return {
        bytes: Buffer.concat(Array.from(wanted, (slot) => plain.subarray(slot === 0 ? 0 : ends[slot - 1], ends[slot]))),
        seconds: {},
      }
    },
  }
  return { stream, workers, hash: {}, codec: async () => ({}), loads } as unknown as ReturnType<typeof sealed>
}

for (const chunkBytes of [pageBytes, 3000]) {
  test(`with chunks of ${chunkBytes} bytes, every page of which something is lost is lost, and no other; each frame is read once`, async (t) => {
    const lost = [1, 4]
    const options = sealed(chunkBytes, lost)
    const left = await leftFile(join(t.testdir(), 'left'), options, pageBytes, signal)
    t.equal(left.bytes, 18 * pageBytes)
    t.same(
      options.loads,
      options.loads.toSorted((one, other) => one - other),
    )
    t.equal(new Set(options.loads).size, options.loads.length)
    const { stream } = options
    let found = 0
    for (let page = 0; page < 18; page++) {
      const chunks = Array.from({ length: stream.chunks }, (_, chunk) => chunk)
      const around = chunks.filter((chunk) => stream.starts(chunk) < (page + 1) * pageBytes && stream.starts(chunk + 1) > page * pageBytes)
      const isLost = around.some((chunk) => lost.includes(stream.frameOf[chunk]!))
      const read = await left.read(page)
      if (isLost) t.equal(read, undefined, `page ${page}`)
      else t.ok(bytes.subarray(page * pageBytes, (page + 1) * pageBytes).equals(read!), `page ${page}`)
      found += Number(!isLost)
    }
    t.ok(found > 0 && found < 18, `${found} pages are left`)
    await left.close()
  })
}

test('what is no damage is thrown, and a signal ends it', async (t) => {
  const options = sealed(pageBytes, [])
  const failing = { ...options.stream, load: async () => Promise.reject(new KpipeError('KPIPE_STORE_FAILED', 'no disk')) }
  const file = join(t.testdir(), 'left')
  await t.rejects(leftFile(file, { ...options, stream: failing }, undefined, signal), { code: 'KPIPE_STORE_FAILED' })
  await t.rejects(leftFile(`${file}-2`, options, undefined, AbortSignal.abort(new Error('stopped'))), { message: 'stopped' })
})
