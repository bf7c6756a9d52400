import {
  booleanOf,
  encodeField,
  idOf,
  integerOf,
  piecesOf,
  textOf,
  visitFields,
  type Fail,
  type FieldValue,
  type Pieces,
} from './protobuf.ts'

/** Paths of the calls, and what is asked. Ids are 16 hex digits, revisions and indexes numbers. */
export const methods = {
  status: '/etcdserverpb.Maintenance/Status',
  snapshot: '/etcdserverpb.Maintenance/Snapshot',
  hashKv: '/etcdserverpb.Maintenance/HashKV',
  memberList: '/etcdserverpb.Cluster/MemberList',
  authenticate: '/etcdserverpb.Auth/Authenticate',
} as const

export interface ResponseHeader {
  readonly clusterId: string
  readonly memberId: string
  readonly revision: number
  readonly raftTerm: number
}

export interface StatusResponse {
  readonly header: ResponseHeader
  readonly version: string
  readonly dbSizeBytes: number
  readonly leaderId: string
  readonly raftIndex: number
  readonly raftTerm: number
  readonly raftAppliedIndex: number
  readonly errors: readonly string[]
  readonly dbSizeInUseBytes: number
  readonly isLearner: boolean
  /** Empty before 3.6. */
  readonly storageVersion: string
}

export interface Member {
  readonly id: string
  /** Empty when the member never started. */
  readonly name: string
  readonly peerUrls: readonly string[]
  readonly clientUrls: readonly string[]
  readonly isLearner: boolean
}

export interface MemberListResponse {
  readonly header: ResponseHeader
  readonly members: readonly Member[]
}

export interface SnapshotResponse {
  /** Data bytes after this message, the trailer not counted. */
  readonly remainingBytes: number
  readonly blob: Pieces
  /** Storage version; empty before 3.6, and while a server has not set it yet. */
  readonly version: string
}

export interface HashKvResponse {
  readonly header: ResponseHeader
  readonly hash: number
  /** -1 or 0 when never compacted. */
  readonly compactRevision: number
  /** 0 before 3.6. */
  readonly hashRevision: number
}

export function decodeStatus(message: Pieces, fail: Fail): StatusResponse {
  const field = fieldsOf(message, fail)
  return {
    header: decodeHeader(piecesOf(field.last(1)), fail),
    version: textOf(field.last(2)),
    dbSizeBytes: integerOf(field.last(3)),
    leaderId: idOf(field.last(4)),
    raftIndex: integerOf(field.last(5)),
    raftTerm: integerOf(field.last(6)),
    raftAppliedIndex: integerOf(field.last(7)),
    errors: field.all(8).map(textOf),
    dbSizeInUseBytes: integerOf(field.last(9)),
    isLearner: booleanOf(field.last(10)),
    storageVersion: textOf(field.last(11)),
  }
}

export function decodeMemberList(message: Pieces, fail: Fail): MemberListResponse {
  const list = fieldsOf(message, fail)
  const members = list.all(2).map((value) => {
    const field = fieldsOf(piecesOf(value), fail)
    return {
      id: idOf(field.last(1)),
      name: textOf(field.last(2)),
      peerUrls: field.all(3).map(textOf),
      clientUrls: field.all(4).map(textOf),
      isLearner: booleanOf(field.last(5)),
    }
  })
  return { header: decodeHeader(piecesOf(list.last(1)), fail), members }
}

export const encodeAuthenticateRequest = (username: string, password: string): Uint8Array =>
  Buffer.concat([encodeField(1, username), encodeField(2, password)])

/** The token as it is sent back, which must fit into a header. */
export function decodeAuthenticate(message: Pieces, fail: Fail): string {
  const token = textOf(fieldsOf(message, fail).last(2))
  return /^[\x21-\x7e]+$/.test(token) ? token : fail('a token that is no text')
}

export function decodeSnapshot(message: Pieces, fail: Fail): SnapshotResponse {
  const field = fieldsOf(message, fail)
  return { remainingBytes: integerOf(field.last(2)), blob: piecesOf(field.last(3)), version: textOf(field.last(4)) }
}

/** `revision` 0 asks for the current one. */
export const encodeHashKvRequest = (revision: number): Uint8Array => encodeField(1, BigInt(revision))

export function decodeHashKv(message: Pieces, fail: Fail): HashKvResponse {
  const field = fieldsOf(message, fail)
  return {
    header: decodeHeader(piecesOf(field.last(1)), fail),
    hash: integerOf(field.last(2)),
    compactRevision: integerOf(field.last(3)),
    hashRevision: integerOf(field.last(4)),
  }
}

function decodeHeader(message: Pieces, fail: Fail): ResponseHeader {
  const field = fieldsOf(message, fail)
  return {
    clusterId: idOf(field.last(1)),
    memberId: idOf(field.last(2)),
    revision: integerOf(field.last(3)),
    raftTerm: integerOf(field.last(4)),
  }
}

/** Absent fields are 0 and empty at once, as proto3 has it: every reading of `0n` gives its kind's default. */
function fieldsOf(message: Pieces, fail: Fail): { last(number: number): FieldValue; all(number: number): readonly FieldValue[] } {
  const fields = new Map<number, FieldValue[]>()
  visitFields(message, fail, (number, value) => {
    const values = fields.get(number)
    if (values === undefined) fields.set(number, [value])
    else values.push(value)
  })
  return {
    last: (number) => fields.get(number)?.at(-1) ?? 0n,
    all: (number) => fields.get(number) ?? [],
  }
}
