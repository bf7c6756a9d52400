import type { Codec, CodecStage, FrameShape } from '../contracts/index.ts'
import { codecContext, type CodecSubject, pageBytes, shapeOf } from './codec-subject.ts'
import { type ConformanceCase, demandSameBytes, type GivenSettings } from './conformance-case.ts'
import { descriptionCases, filled } from './description.ts'
import { demandRefused } from './refusal.ts'
import { noise, text } from './sample-bytes.ts'
import { sealCases } from './seal-conformance.ts'

const frameBytes = 4 * 1024 * 1024

const fillings: Readonly<Record<string, (bytes: number) => Uint8Array<ArrayBuffer>>> = {
  noise,
  zeros: (bytes) => new Uint8Array(bytes),
  text,
}

/** The promises of a codec; those of a seal are among them when it declares `seals`. */
export function codecConformance(stage: CodecStage<never>, options: { readonly settings?: GivenSettings } = {}): ConformanceCase[] {
  const subject: CodecSubject = {
    open: async (context) => stage.open(await filled<never>(stage, options.settings), { ...codecContext(1), ...context }),
  }
  const cases: ConformanceCase[] = [
    {
      title: 'frames of 0, 1 and 2 bytes come back exactly',
      run: () => roundTrips(subject, [0, 1, 2]),
    },
    {
      title: 'frames of a page and of 4 MiB come back exactly, whatever is in them',
      run: () => roundTrips(subject, [pageBytes, pageBytes + 1, frameBytes]),
    },
    {
      title: 'what an earlier codec made of a frame comes back exactly',
      async run() {
        const codec = await subject.open()
        const bytes = noise(1000)
        for (const plainBytes of [100, 999, 50_000]) {
          await demandInverse(codec, bytes, shapeOf(plainBytes), `a frame of ${plainBytes} bytes that came as 1,000`)
        }
      },
    },
    {
      title: 'chunks of any lengths come back exactly',
      async run() {
        const codec = await subject.open()
        const ends = Uint32Array.of(1, 2, 5000, 70_000, 100_000)
        await demandInverse(codec, text(100_000), { plainBytes: 100_000, ends, pageBytes: 0 }, 'a frame of uneven chunks')
      },
    },
    {
      title: 'what it is given is left as it was',
      async run() {
        const codec = await subject.open()
        const bytes = text(10_000)
        const encoded = await codec.encode(bytes, shapeOf(10_000))
        demandSameBytes(bytes, text(10_000), 'the frame that was encoded')
        const copy = Uint8Array.from(encoded)
        await codec.decode(encoded, shapeOf(10_000), 10_000)
        demandSameBytes(encoded, copy, 'the frame that was decoded')
      },
    },
    {
      title: 'frames come back in any order, also from a codec that was opened later',
      run: () => anyOrder(subject),
    },
    {
      title: 'what it has given away does not change any more',
      async run() {
        const codec = await subject.open()
        const bytes = text(10_000)
        const encoded = await codec.encode(bytes, shapeOf(10_000))
        const kept = Uint8Array.from(encoded)
        bytes.fill(0xff)
        await codec.encode(noise(10_000), shapeOf(10_000))
        demandSameBytes(encoded, kept, 'an encoded frame, after its input was used for something else,')
        const input = Uint8Array.from(kept)
        const decoded = await codec.decode(input, shapeOf(10_000), 10_000)
        input.fill(0xff)
        await codec.decode(kept, shapeOf(10_000), 10_000)
        demandSameBytes(decoded, text(10_000), 'a decoded frame, after its input was used for something else,')
      },
    },
    {
      title: 'bytes that are cut short or have more behind them are refused',
      async run() {
        const codec = await subject.open()
        for (const plain of [text(5000), noise(5000)]) {
          const encoded = Uint8Array.from(await codec.encode(plain, shapeOf(5000)))
          for (const length of new Set([0, 1, encoded.length >> 1, encoded.length - 1])) {
            const cut = encoded.slice(0, length)
            await demandRefused(() => codec.decode(cut, shapeOf(5000), 5000), `a frame of ${encoded.length} bytes cut to ${length}`)
          }
          const longer = new Uint8Array(encoded.length + 1)
          longer.set(encoded)
          await demandRefused(() => codec.decode(longer, shapeOf(5000), 5000), 'a frame with one byte more behind it')
        }
      },
    },
    {
      title: 'a result never measures anything but what it should',
      async run() {
        const codec = await subject.open()
        const encoded = Uint8Array.from(await codec.encode(new Uint8Array(frameBytes), shapeOf(frameBytes)))
        for (const wrong of [0, 1, 4096, frameBytes - 1, frameBytes + 1]) {
          const what = `a frame of ${frameBytes} bytes that should decode to ${wrong}`
          await demandRefused(() => codec.decode(encoded.slice(), shapeOf(frameBytes), wrong), what)
        }
      },
    },
  ]
  return [...descriptionCases(stage, 'codec'), ...cases, ...(stage.seals ? sealCases(subject) : [])]
}

async function roundTrips(subject: CodecSubject, sizes: readonly number[]): Promise<void> {
  const codec = await subject.open()
  for (const size of sizes) {
    for (const [name, fill] of Object.entries(fillings))
      await demandInverse(codec, fill(size), shapeOf(size), `a frame of ${size} bytes of ${name}`)
  }
}

async function demandInverse(codec: Codec, plain: Uint8Array, shape: FrameShape, what: string): Promise<void> {
  const expected = Uint8Array.from(plain)
  // In memory of its own, as between two threads.
  const encoded = Uint8Array.from(await told(`encoding ${what}`, () => codec.encode(plain, shape)))
  const decoded = await told(`decoding ${what}`, () => codec.decode(encoded, shape, expected.length))
  demandSameBytes(decoded, expected, `${what}, decoded,`)
}

async function told<Result>(what: string, work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    throw new Error(`${what} fails: ${(cause as Error).message}`, { cause })
  }
}

async function anyOrder(subject: CodecSubject): Promise<void> {
  const first = await subject.open()
  const frames = [noise(3000), text(5000), new Uint8Array(1), noise(3000), text(4000)]
  const encoded: Uint8Array[] = []
  for (const frame of frames) encoded.push(Uint8Array.from(await first.encode(frame.slice(), shapeOf(frame.length))))
  const later = await subject.open()
  for (const codec of [first, later]) {
    for (const index of [4, 1, 3, 0, 2, 0]) {
      const { length } = frames[index]
      const decoded = await codec.decode(encoded[index].slice(), shapeOf(length), length)
      demandSameBytes(decoded, frames[index], `frame ${index}, decoded out of order,`)
    }
  }
}
