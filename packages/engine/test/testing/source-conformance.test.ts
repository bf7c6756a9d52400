import { createHash } from 'node:crypto'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { KpipeError, type SourceContext, type SourceFile, type SourceStage, type SourceStream } from '@kpipe/engine/contracts'
import { sourceConformance } from '@kpipe/engine/testing'
import { failures } from './failures.ts'

const pieceBytes = 10_000
const data = Uint8Array.from({ length: 95_000 }, (_, at) => at % 251)
const bytes = new Uint8Array(Buffer.concat([data, createHash('sha256').update(data).digest()]))

interface Faults {
  readonly announced?: number
  readonly stops?: boolean
  readonly verifies?: boolean
  readonly facts?: Record<string, unknown>
  readonly read?: (stream: SourceStream, context: SourceContext) => AsyncIterable<Uint8Array>
  readonly confirm?: () => Promise<unknown>
  readonly close?: () => Promise<void>
  /** What the stream says of the file in which it lies. */
  readonly file?: (honest: SourceFile) => SourceFile
  readonly inFile?: Uint8Array
}

/** Sends bytes in pieces that all use one buffer, and compares the digest before its trailer. */
function sourceStage(faults: Faults = {}): SourceStage {
  const { stops = true, verifies = true } = faults
  return {
    kind: 'source',
    summary: 'a source of a test',
    settings: { type: 'object', properties: {}, additionalProperties: false },
    async open(_settings, context) {
      const file = fileOf(faults, context)
      const stream: SourceStream = {
        name: 'test',
        member: '',
        bytes: faults.announced ?? bytes.length,
        facts: (faults.facts ?? {}) as never,
        async *read() {
          const buffer = new Uint8Array(pieceBytes)
          for (let at = 0; at < data.length; at += pieceBytes) {
            if (stops) context.signal.throwIfAborted()
            const piece = data.subarray(at, at + pieceBytes)
            buffer.set(piece)
            yield buffer.subarray(0, piece.length)
          }
          const digest = await context.digestSoFar()
          const matches = Buffer.compare(digest, bytes.subarray(data.length)) === 0
          if (verifies && !matches) throw new KpipeError('KPIPE_TRAILER_MISMATCH', 'another digest')
          // A fault may write into pieces.
          yield bytes.slice(data.length)
        },
        end: async () => ({ trailer_verified: true }),
        ...(faults.confirm && { confirm: faults.confirm as never }),
        ...(file && { file }),
        async close() {
          if (file) closeSync(file.fd)
          await faults.close?.()
        },
      }
      return faults.read ? { ...stream, read: () => faults.read!(stream, context) } : stream
    },
  }
}

let files = 0

function fileOf(faults: Faults, context: SourceContext): SourceFile | undefined {
  if (!faults.file) return undefined
  const path = join(folder, `stream-${files++}`)
  writeFileSync(path, faults.inFile ?? bytes)
  return faults.file({
    fd: openSync(path, 'r'),
    failed: (position) => new KpipeError('KPIPE_SOURCE_DIED', `no more at ${position}`),
    trailer: {
      position: data.length,
      async verify(trailer) {
        if (Buffer.compare(await context.digestSoFar(), trailer) !== 0) throw new KpipeError('KPIPE_TRAILER_MISMATCH', 'another digest')
      },
    },
  })
}

const folder = t.testdir({})
const inFile = 'a file that it names holds the stream, and a digest in it is verified'
const order = 'all bytes come in order, as many as it announced'

/** Read once by all streams. */
let sharedIterator: AsyncIterator<Uint8Array> | undefined

const broken: Record<string, { faults: Faults; title: string; says: RegExp }> = {
  'that announces another length': {
    faults: { announced: 95_000 },
    title: order,
    says: /^it announced 95000 bytes and sent 95032$/,
  },
  'that ignores a stop': {
    faults: { stops: false },
    title: 'a stop in the middle ends the stream and lets go of the far end',
    says: /^it reads on to the end after a stop$/,
  },
  'that reads although it was stopped before': {
    faults: { stops: false },
    title: 'a stop before it begins is heard',
    says: /^it reads to the end although it was stopped before it began$/,
  },
  'that loses a piece': {
    faults: {
      async *read(stream) {
        let pieces = 0
        for await (const piece of stream.read()) if (pieces++ !== 3) yield piece
      },
      announced: bytes.length - pieceBytes,
      verifies: false,
    },
    title: order,
    says: /^the stream has 85032 bytes instead of 95032$/,
  },
  'that uses a piece again too early': {
    faults: {
      async *read(stream) {
        for await (const piece of stream.read()) {
          setImmediate(() => piece.fill(0))
          yield piece
        }
      },
      verifies: false,
    },
    title: 'a piece stays as it is until the next is asked for',
    says: /^a piece changes before the next one is asked for$/,
  },
  'that says it verified and did not': {
    faults: { verifies: false },
    title: 'a digest that does not match is refused, where it says that it verifies one',
    says: /^a stream whose digest is another one is not refused$/,
  },
  'whose facts are no plain data': {
    faults: { facts: { taken: new Date(0) } },
    title: 'name, member and facts are plain data, and the same when it is opened again',
    says: /^what it knows before the first byte is no plain data$/,
  },
  'that confirms with what is no plain data': {
    faults: { confirm: async () => ({ asked: new Date(0) }), verifies: false },
    title: 'name, member and facts are plain data, and the same when it is opened again',
    says: /^what it knows after the last byte is no plain data$/,
  },
  'whose file holds other bytes': {
    faults: { file: (honest) => ({ ...honest, trailer: undefined }), inFile: new Uint8Array(95_032) },
    title: inFile,
    says: /^the file differs/,
  },
  'whose file is too short': {
    faults: { file: (honest) => honest, inFile: bytes.subarray(0, 95_000) },
    title: inFile,
    says: /^no more at 95000$/,
  },
  'that does not compare the digest in its file': {
    faults: { file: (honest) => ({ ...honest, trailer: { ...honest.trailer!, verify: async () => {} } }) },
    title: inFile,
    says: /^a file whose digest is another one is not refused$/,
  },
  'that says it verified what its file has no digest of': {
    faults: { file: (honest) => ({ ...honest, trailer: undefined }) },
    title: inFile,
    says: /^it tells of a digest that it did not compare/,
  },
  'that says nothing of a file that ends': {
    faults: { file: (honest) => ({ ...honest, failed: () => new Error('') }) },
    title: inFile,
    says: /^it does not say with a code that its file ends$/,
  },
  'whose streams share their place': {
    faults: {
      async *read(stream) {
        const iterator = (sharedIterator ??= stream.read()[Symbol.asyncIterator]())
        for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value
        sharedIterator = undefined
      },
      verifies: false,
    },
    title: 'two streams that are read at once do not disturb each other',
    says: /^a stream beside another one has \d+ bytes instead of 95032$|^a stream beside another one differs/,
  },
}

const place = async () => ({ settings: {}, bytes })

t.test('a source that keeps its promises passes', async (t) => {
  t.same(await failures(sourceConformance(sourceStage(), place)), {})
  const before = files
  t.same(await failures(sourceConformance(sourceStage({ file: (honest) => honest }), place)), {}, 'with a file')
  t.ok(files > before)
})

for (const [what, { faults, title, says }] of Object.entries(broken)) {
  t.test(`a source ${what} is caught`, async (t) => {
    const failed = await failures(sourceConformance(sourceStage(faults), place))
    t.match(failed[title], says, title)
  })
}

t.test('a source that does not let go of its far end is caught', async (t) => {
  let open = 0
  const stage = sourceStage({
    close: async () => {
      open += 1
    },
  })
  const leaking = async () => ({ settings: {}, bytes, letGo: () => Promise.reject(new Error('the far end is still held')) })
  const failed = await failures(sourceConformance(stage, leaking))
  t.equal(failed['it can be closed before anything was read, and half way'], 'the far end is still held')
  t.ok(open > 0)
})
