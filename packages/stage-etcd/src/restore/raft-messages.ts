import { encodeField } from '../protobuf.ts'
import type { Form } from './form.ts'
import type { InitialCluster, Member } from './initial-cluster.ts'
import { memberJson } from './member-json.ts'

/** The only term and the last index of a log that does nothing but add the members. */
export const term = 1n
export const lastIndex = ({ members }: InitialCluster): bigint => BigInt(members.length)

/** Fields of a message, one after another; undefined ones are left out. */
export function message(
  ...fields: (readonly [number: number, value: bigint | string | Uint8Array] | undefined)[]
): Uint8Array<ArrayBuffer> {
  return Buffer.concat(fields.flatMap((field) => (field === undefined ? [] : [encodeField(...field)])))
}

/** raftpb.Entry that adds a member. Up to 3.6, zeros of optional fields are written out. */
export function addingEntry(member: Member, index: number, form: Form): Uint8Array {
  const id = form === '3.7' ? undefined : ([1, 0n] as const)
  const change = message(id, [2, 0n], [3, member.id], [4, memberJson(member)])
  return message([1, 1n], [2, term], [3, BigInt(index)], [4, change])
}

/** raftpb.ConfState: all members vote. */
export function confState({ members }: InitialCluster, form: Form): Uint8Array {
  return message(...members.map(({ id }) => [1, id] as const), form === '3.7' ? undefined : [5, 0n])
}
