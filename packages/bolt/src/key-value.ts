import { readFields } from './protobuf.ts'

/** etcd's mvccpb.KeyValue. Absent fields are empty or zero; a revision bump leaves a row of zero bytes. */
export interface KeyValue {
  readonly key: Uint8Array
  readonly createRevision: bigint
  readonly modRevision: bigint
  readonly version: bigint
  readonly value: Uint8Array
  readonly lease: bigint
}

const nothing = new Uint8Array(0)

/** Reads a value of bucket `key`; the arrays are views of `bytes`. @throws BoltError schema */
export function readKeyValue(bytes: Uint8Array): KeyValue {
  const fields: (bigint | Uint8Array | undefined)[] = []
  for (const { number, value } of readFields(bytes)) if (number <= 6) fields[number] = value
  const text = (number: number) => (fields[number] instanceof Uint8Array ? fields[number] : nothing)
  const integer = (number: number) => (typeof fields[number] === 'bigint' ? BigInt.asIntN(64, fields[number]) : 0n)
  return { key: text(1), createRevision: integer(2), modRevision: integer(3), version: integer(4), value: text(5), lease: integer(6) }
}
