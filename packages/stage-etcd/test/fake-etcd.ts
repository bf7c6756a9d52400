import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  createSecureServer,
  createServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { methods } from '../src/etcd-messages.ts'
import { encodeField } from '../src/protobuf.ts'

export const clusterId = 0xfedc_ba98_7654_3210n
export const memberId = 0x0123_4567_89ab_cdefn

/** One side of a call that a test plays. */
export interface FakeCall {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  readonly session: ServerHttp2Session
  /** Writes bytes as they are, after the headers; resolves when they are with the operating system. */
  write(bytes: Uint8Array): Promise<void>
  /** Trailers; headers as well when nothing was written. */
  end(code?: number, text?: string): void
}

export type Play = (call: FakeCall) => unknown

export interface FakeEtcd {
  readonly address: string
  /** Paths of the calls that came, in order. */
  readonly asked: readonly string[]
  /** Plays of a snapshot that ran to their end: a test asserts that its fault was played. */
  readonly played: number
  /** Resolves when every connection that was made is closed. */
  letGo(): Promise<void>
  close(): Promise<void>
}

/** An etcd on a free port of the loopback whose answers a test chooses; what it leaves out works. */
export async function fakeEtcd(
  plays: { readonly [call in 'status' | 'memberList' | 'snapshot' | 'hashKv' | 'authenticate']?: Play } = {},
  tls?: SecureServerOptions,
): Promise<FakeEtcd> {
  const answers = new Map<string, Play>([
    [methods.status, plays.status ?? answerWith(statusMessage())],
    [methods.memberList, plays.memberList ?? answerWith(memberListMessage())],
    [methods.authenticate, plays.authenticate ?? refuse(9, 'etcdserver: authentication is not enabled')],
    [methods.hashKv, plays.hashKv ?? answerWith(hashKvMessage())],
    [methods.snapshot, plays.snapshot ?? playSnapshot(Buffer.from('database'))],
  ])
  const asked: string[] = []
  const sessions = new Set<ServerHttp2Session>()
  const sockets = new Set<Socket>()
  let played = 0
  const server = tls === undefined ? createServer() : createSecureServer(tls)
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.on('session', (session: ServerHttp2Session) => {
    sessions.add(session)
    session.on('error', () => {})
    session.on('close', () => sessions.delete(session))
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const path = String(headers[':path'])
    asked.push(path)
    stream.on('error', () => {})
    const play = answers.get(path)
    if (play === undefined) return stream.respond({ ':status': 404 }, { endStream: true })
    void (async () => {
      await play(callOf(stream, headers))
      if (path === methods.snapshot) played += 1
    })().catch((error: Error) => process.emitWarning(error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get played() {
      return played
    },
    async letGo() {
      while (sessions.size > 0) await Promise.all([...sessions].map((session) => once(session, 'close')))
    },
    async close() {
      for (const session of sessions) session.destroy()
      // Under TLS a socket outlives its session when the other end went away in the middle of what was written.
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function callOf(stream: ServerHttp2Stream, asked: IncomingHttpHeaders): FakeCall {
  const headers = { ':status': 200, 'content-type': 'application/grpc' }
  let trailers: Record<string, string> = {}
  stream.on('wantTrailers', () => stream.sendTrailers(trailers))
  return {
    stream,
    headers: asked,
    session: stream.session as ServerHttp2Session,
    async write(bytes) {
      if (!stream.headersSent) stream.respond(headers, { waitForTrailers: true })
      await new Promise<void>((resolve) => stream.write(bytes, () => resolve()))
    },
    end(code = 0, text = '') {
      trailers = { 'grpc-status': String(code), ...(text !== '' && { 'grpc-message': encodeURIComponent(text) }) }
      if (stream.headersSent) stream.end()
      else stream.respond({ ...headers, ...trailers }, { endStream: true })
    },
  }
}

export function framed(message: Uint8Array, flag = 0): Buffer {
  const prefix = Buffer.alloc(5)
  prefix[0] = flag
  prefix.writeUInt32BE(message.length, 1)
  return Buffer.concat([prefix, message])
}

export const answerWith =
  (message: Uint8Array): Play =>
  async (call) => {
    await call.write(framed(message))
    call.end()
  }

export const refuse =
  (code: number, text: string): Play =>
  (call) =>
    call.end(code, text)

const header = (cluster = clusterId, member = memberId) =>
  Buffer.concat([encodeField(1, cluster), encodeField(2, member), encodeField(3, 42n), encodeField(4, 7n)])

export interface FakeStatus {
  readonly cluster?: bigint
  readonly member?: bigint
  readonly leader?: bigint
  readonly applied?: bigint
  readonly inUse?: bigint
  readonly alarm?: string
  readonly version?: string
  readonly learner?: boolean
}

export function statusMessage(status: FakeStatus = {}): Buffer {
  const { cluster, member, leader = memberId, applied = 99n, inUse = 0n, alarm = 'memberID:1 alarm:NOSPACE ', version = '3.6.16' } = status
  return Buffer.concat([
    encodeField(1, header(cluster, member)),
    encodeField(2, version),
    encodeField(3, 20480n),
    encodeField(4, leader),
    encodeField(5, 100n),
    encodeField(6, 7n),
    encodeField(7, applied),
    encodeField(8, 'etcdserver: no leader'),
    encodeField(8, alarm),
    encodeField(9, inUse),
    encodeField(10, status.learner === true ? 1n : 0n),
    encodeField(11, '3.6.0'),
  ])
}

export interface FakeHashKv {
  readonly hash?: number
  /** -1: never. */
  readonly compactRevision?: number
  /** 0: a version that does not tell it. */
  readonly hashRevision?: number
}

export function hashKvMessage({ hash = 1234, compactRevision = -1, hashRevision = 42 }: FakeHashKv = {}): Buffer {
  return Buffer.concat([
    encodeField(1, header()),
    encodeField(2, BigInt(hash)),
    encodeField(3, BigInt.asUintN(64, BigInt(compactRevision))),
    ...(hashRevision > 0 ? [encodeField(4, BigInt(hashRevision))] : []),
  ])
}

export function memberListMessage(): Buffer {
  const members = [
    [encodeField(1, 5n), encodeField(2, 'other'), encodeField(3, 'http://10.0.0.2:2380')],
    [encodeField(1, memberId), encodeField(2, 'm1'), encodeField(3, 'http://10.0.0.1:2380'), encodeField(3, 'http://10.0.1.1:2380')],
  ]
  return Buffer.concat([encodeField(1, header()), ...members.map((fields) => encodeField(2, Buffer.concat(fields)))])
}

/** A message of the snapshot, framed. proto3 leaves zeros and empty fields out. */
export function blobMessage(remaining: number, blob: Uint8Array, version = '3.6.0'): Buffer {
  const fields = [
    ...(remaining > 0 ? [encodeField(2, BigInt(remaining))] : []),
    ...(blob.length > 0 ? [encodeField(3, blob)] : []),
    ...(version === '' ? [] : [encodeField(4, version)]),
  ]
  return framed(Buffer.concat(fields))
}

export const trailerOf = (data: Uint8Array): Buffer => createHash('sha256').update(data).digest()

/** All messages of a snapshot whose blobs have these sizes, the last of them what is left; then the trailer. */
export function snapshotMessages(data: Uint8Array, sizes: readonly number[] = [], trailer: Uint8Array = trailerOf(data)): Buffer[] {
  const messages: Buffer[] = []
  let at = 0
  for (const size of [...sizes, data.length]) {
    const blob = data.subarray(at, at + size)
    at += blob.length
    messages.push(blobMessage(data.length - at, blob))
  }
  return [...messages, blobMessage(0, trailer)]
}

export function playSnapshot(data: Uint8Array, sizes: readonly number[] = []): Play {
  return async (call) => {
    for (const message of snapshotMessages(data, sizes)) await call.write(message)
    call.end()
  }
}
