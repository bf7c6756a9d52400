import { checkServerIdentity } from 'node:tls'
import { credentials, Client, type ChannelCredentials, type ClientOptions } from '@grpc/grpc-js'
import { create, createFileRegistry, type DescService } from '@bufbuild/protobuf'
import { FieldDescriptorProto_Label, FieldDescriptorProto_Type, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { createClient } from '@connectrpc/connect'
import { createGrpcTransport } from '@connectrpc/connect-node'
import { Etcd3 } from 'etcd3'
import { openChannel } from '../../packages/stage-etcd/src/channel.ts'
import { parseEndpoint } from '../../packages/stage-etcd/src/endpoint.ts'
import { decodeSnapshot, methods } from '../../packages/stage-etcd/src/etcd-messages.ts'
import { lengthOf } from '../../packages/stage-etcd/src/protobuf.ts'
import { callSnapshot } from '../../packages/stage-etcd/src/snapshot-call.ts'
import type { TlsSettings } from '../../packages/stage-etcd/src/tls-files.ts'
import { readFileSync } from 'node:fs'

/** An etcd as all candidates are told of it; without TLS when there are no files. */
export interface Peer {
  readonly url: string
  readonly tls: Required<Pick<TlsSettings, 'cacert' | 'cert' | 'key'>> | undefined
}

export interface Candidate {
  readonly name: string
  /** Takes one snapshot over a connection of its own and resolves with its bytes, trailer included. */
  read(peer: Peer): Promise<number>
}

const windowBytes = 16 << 20

export const candidates: readonly Candidate[] = [
  { name: 'node:http2 (kpipe)', read: ownChannel },
  { name: '@grpc/grpc-js, wide window, name override', read: (peer) => grpcJs(peer, true) },
  { name: '@grpc/grpc-js as it comes', read: (peer) => grpcJs(peer, false) },
  { name: 'etcd3', read: etcd3 },
  { name: '@connectrpc/connect-node, wide window', read: connectNode },
]

async function ownChannel({ url, tls = {} as NonNullable<Peer['tls']> }: Peer): Promise<number> {
  const channel = await openChannel(parseEndpoint(url), { dialTimeoutMs: 5000, signal: new AbortController().signal, tls })
  try {
    const { call, first } = await callSnapshot(channel, 5000)
    let bytes = lengthOf(first.blob)
    for (;;) {
      const arrival = await call.next(5000)
      if (arrival.kind === 'message') bytes += lengthOf(decodeSnapshot(arrival.message, fail).blob)
      else if (arrival.kind === 'status' && arrival.status.code === 0) return bytes
      else throw new Error(JSON.stringify(arrival))
    }
  } finally {
    await channel.close()
  }
}

/** `overridden`: with a name in place of the address, which is checked all the same, and windows as wide as the others'. */
async function grpcJs({ url, tls }: Peer, overridden: boolean): Promise<number> {
  const { host, hostname } = new URL(url)
  const options: ClientOptions = {
    'grpc.enable_http_proxy': 0,
    'grpc.max_receive_message_length': -1,
    ...(overridden && { 'grpc-node.flow_control_window': windowBytes }),
    ...(overridden && tls && { 'grpc.ssl_target_name_override': 'etcd.invalid' }),
  }
  const client = new Client(host, grpcCredentials(tls, overridden ? hostname : undefined), options)
  try {
    const stream = client.makeServerStreamRequest<Buffer, Buffer>(
      methods.snapshot,
      (bytes) => bytes,
      (bytes) => bytes,
      Buffer.alloc(0),
    )
    let bytes = 0
    for await (const message of stream) bytes += lengthOf(decodeSnapshot([message as Buffer], fail).blob)
    return bytes
  } finally {
    client.close()
  }
}

function grpcCredentials(tls: Peer['tls'], checkedName: string | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure()
  const [ca, cert, key] = [tls.cacert, tls.cert, tls.key].map((file) => readFileSync(file))
  const check =
    checkedName === undefined
      ? {}
      : { checkServerIdentity: (_: string, seen: Parameters<typeof checkServerIdentity>[1]) => checkServerIdentity(checkedName, seen) }
  return credentials.createSsl(ca, key, cert, check)
}

async function etcd3({ url, tls }: Peer): Promise<number> {
  const files = tls && { rootCertificate: readFileSync(tls.cacert), certChain: readFileSync(tls.cert), privateKey: readFileSync(tls.key) }
  const client = new Etcd3({ hosts: url, ...(files && { credentials: files }), grpcOptions: { 'grpc.enable_http_proxy': 0 } })
  try {
    let bytes = 0
    const stream = await client.maintenance.snapshot()
    for await (const message of stream as unknown as AsyncIterable<{ blob: Buffer }>) bytes += message.blob.length
    return bytes
  } finally {
    client.close()
  }
}

async function connectNode({ url, tls }: Peer): Promise<number> {
  const files = tls && { ca: readFileSync(tls.cacert), cert: readFileSync(tls.cert), key: readFileSync(tls.key) }
  const transport = createGrpcTransport({
    baseUrl: url,
    nodeOptions: { settings: { initialWindowSize: windowBytes }, ...files },
    readMaxBytes: 2 ** 31 - 1,
  })
  const client = createClient(maintenance(), transport) as unknown as { snapshot(request: object): AsyncIterable<{ blob: Uint8Array }> }
  let bytes = 0
  for await (const message of client.snapshot({})) bytes += message.blob.length
  return bytes
}

/** What protobuf-es needs to know of Maintenance/Snapshot, as its generator would write it. */
function maintenance(): DescService {
  const { MESSAGE, UINT64, BYTES, STRING } = FieldDescriptorProto_Type
  const field = (name: string, number: number, type: FieldDescriptorProto_Type, typeName?: string) => ({
    name,
    number,
    type,
    label: FieldDescriptorProto_Label.OPTIONAL,
    ...(typeName && { typeName }),
  })
  const file = {
    name: 'rpc.proto',
    package: 'etcdserverpb',
    syntax: 'proto3',
    messageType: [
      { name: 'SnapshotRequest' },
      { name: 'ResponseHeader' },
      {
        name: 'SnapshotResponse',
        field: [
          field('header', 1, MESSAGE, '.etcdserverpb.ResponseHeader'),
          field('remaining_bytes', 2, UINT64),
          field('blob', 3, BYTES),
          field('version', 4, STRING),
        ],
      },
    ],
    service: [
      {
        name: 'Maintenance',
        method: [
          {
            name: 'Snapshot',
            inputType: '.etcdserverpb.SnapshotRequest',
            outputType: '.etcdserverpb.SnapshotResponse',
            serverStreaming: true,
          },
        ],
      },
    ],
  }
  return createFileRegistry(create(FileDescriptorSetSchema, { file: [file] })).getService('etcdserverpb.Maintenance')!
}

function fail(seen: string): never {
  throw new Error(seen)
}
