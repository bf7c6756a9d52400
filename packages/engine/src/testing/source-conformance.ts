import { createHash } from 'node:crypto'
import type { SourceStage, SourceStream } from '../contracts/index.ts'
import { exitCodes, type KpipeError } from '../contracts/index.ts'
import { type ConformanceCase, demand, demandSameBytes, type GivenSettings } from './conformance-case.ts'
import { demandPlain, descriptionCases, filled } from './description.ts'
import { demandRefused } from './refusal.ts'
import { listening, type Listening, readAll, readFromFile } from './source-reading.ts'
import { within } from './time-limit.ts'

/** Something to read from. */
export interface SourcePlace {
  readonly settings: GivenSettings
  /** What there is to read: enough for several pieces. */
  readonly bytes: Uint8Array
  /** Resolves when the far end has been let go of. */
  letGo?(): Promise<void>
}

/** How long a source may take to stop, or to close. */
const stopMs = 10_000

/** The promises of a source. `place` is called by each case. */
export function sourceConformance(stage: SourceStage<never>, place: () => Promise<SourcePlace>): ConformanceCase[] {
  const open = async ({ settings }: SourcePlace, context: Listening): Promise<SourceStream> =>
    stage.open(await filled<never>(stage, settings), context)
  const letGo = async ({ letGo }: SourcePlace) => letGo && (await within(stopMs, 'letting go of the far end', letGo()))

  const cases: ConformanceCase[] = [
    {
      title: 'all bytes come in order, as many as it announced',
      async run() {
        const there = await place()
        const context = listening()
        const stream = await open(there, context)
        const { bytes, facts } = await readAll(stream, context)
        const announced = stream.bytes
        demand(announced === undefined || announced === bytes.length, `it announced ${announced} bytes and sent ${bytes.length}`)
        demandSameBytes(bytes, there.bytes, 'the stream')
        demand(typeof facts.trailer_verified === 'boolean', 'it does not tell whether a digest of its own was verified (trailer_verified)')
        await letGo(there)
      },
    },
    {
      title: 'a file that it names holds the stream, and a digest in it is verified',
      async run() {
        const there = await place()
        const [context, lying] = [listening(), listening({ digest: new Uint8Array(32).fill(1) })]
        const stream = await open(there, context)
        const { file } = stream
        if (!file) return await stream.close()
        demand(stream.bytes !== undefined, 'it names a file and does not announce how much of it is the stream')
        const { bytes, facts } = await readFromFile(stream, file, context)
        demandSameBytes(bytes, there.bytes, 'the file')
        demand(typeof facts.trailer_verified === 'boolean', 'it does not tell whether a digest of its own was verified (trailer_verified)')
        demand(
          facts.trailer_verified === (file.trailer !== undefined),
          'it tells of a digest that it did not compare, or the other way round',
        )
        demandSaid(file.failed(1), 'that its file ends')
        demandSaid(file.failed(1, new Error('of the test')), 'that its file cannot be read')
        if (!file.trailer) return
        const other = await open(there, lying)
        await demandRefused(() => readFromFile(other, other.file!, lying), 'a file whose digest is another one', 'KPIPE_TRAILER_MISMATCH')
        await letGo(there)
      },
    },
    {
      title: 'name, member and facts are plain data, and the same when it is opened again',
      async run() {
        const there = await place()
        const streams: SourceStream[] = []
        for (const context of [listening(), listening()]) {
          const stream = await open(there, context)
          demandPlain(stream.facts, 'what it knows before the first byte')
          demandPlain((await readAll(stream, context)).facts, 'what it knows after the last byte')
          streams.push(stream)
        }
        const [first, second] = streams
        demand(typeof first.name === 'string' && first.name !== '', 'it has no name')
        demand(typeof first.member === 'string', 'its member is no string')
        demand(first.name === second.name && first.member === second.member, 'it has another name or member when it is opened again')
      },
    },
    {
      title: 'two streams that are read at once do not disturb each other',
      async run() {
        const there = await place()
        const contexts = [listening(), listening()]
        const streams = await Promise.all(contexts.map((context) => open(there, context)))
        const read = await Promise.all(streams.map((stream, index) => readAll(stream, contexts[index])))
        for (const { bytes } of read) demandSameBytes(bytes, there.bytes, 'a stream beside another one')
      },
    },
    {
      title: 'a piece stays as it is until the next is asked for',
      async run() {
        const there = await place()
        const context = listening()
        const stream = await open(there, context)
        const checked = async (piece: Uint8Array) => {
          const digest = createHash('sha256').update(piece).digest()
          await new Promise((resolve) => setTimeout(resolve, 1))
          demand(digest.equals(createHash('sha256').update(piece).digest()), 'a piece changes before the next one is asked for')
        }
        await readAll(stream, context, checked)
      },
    },
    {
      title: 'a digest that does not match is refused, where it says that it verifies one',
      async run() {
        const there = await place()
        const honest = listening()
        if (!(await readAll(await open(there, honest), honest)).facts.trailer_verified) return
        const lying = listening({ digest: new Uint8Array(32).fill(1) })
        const stream = await open(there, lying)
        await demandRefused(() => readAll(stream, lying), 'a stream whose digest is another one', 'KPIPE_TRAILER_MISMATCH')
        await letGo(there)
      },
    },
    {
      title: 'a stop in the middle ends the stream and lets go of the far end',
      async run() {
        const there = await place()
        const controller = new AbortController()
        const context = listening({ signal: controller.signal })
        const stream = await open(there, context)
        let pieces = 0
        const reading = readAll(stream, context, () => {
          pieces += 1
          if (pieces === 1) controller.abort(new Error('the test stops'))
        })
        const stopped = reading.then(
          ({ bytes }) => bytes.length,
          () => undefined,
        )
        const read = await within(stopMs, 'ending after a stop', stopped)
        demand(pieces > 0, 'the place of the test gives no piece')
        demand(read === undefined || read < there.bytes.length, 'it reads on to the end after a stop')
        await letGo(there)
      },
    },
    {
      title: 'a stop before it begins is heard',
      async run() {
        const there = await place()
        const context = listening({ signal: AbortSignal.abort(new Error('the test stops')) })
        const begun = async () => {
          const { bytes } = await readAll(await open(there, context), context)
          return bytes.length
        }
        const read = await within(
          stopMs,
          'hearing a stop',
          begun().catch(() => undefined),
        )
        demand(read === undefined || read < there.bytes.length, 'it reads to the end although it was stopped before it began')
        await letGo(there)
      },
    },
    {
      title: 'it can be closed before anything was read, and half way',
      async run() {
        for (const half of [false, true]) {
          const there = await place()
          const stream = await open(there, listening())
          if (half) await stream.read()[Symbol.asyncIterator]().next()
          await within(stopMs, half ? 'closing half way' : 'closing before anything was read', stream.close())
          await letGo(there)
        }
      },
    },
  ]
  return [...descriptionCases(stage, 'source'), ...cases]
}

function demandSaid(error: Error, what: string): void {
  const { code, message } = error as Partial<KpipeError>
  demand(Object.hasOwn(exitCodes, String(code)) && message !== '', `it does not say with a code ${what}`)
}
