import type { Member } from './initial-cluster.ts'

/** A member as etcd keeps it: fields in the order of Go's struct, the id a bare number of 64 bits, no client URLs. */
export function memberJson({ id, peerUrls, name }: Member): string {
  return `{"id":${id},"peerURLs":[${peerUrls.map(goString).join()}],"name":${goString(name)}}`
}

/** The part of it that the old store of 3.4 and 3.5 keeps. */
export function raftAttributes({ peerUrls }: Member): string {
  return `{"peerURLs":[${peerUrls.map(goString).join()}]}`
}

/** A string as Go's encoder of JSON writes it. */
export function goString(text: string): string {
  return JSON.stringify(text).replace(/[<>&\u2028\u2029]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** How etcd writes an id as text: lower-case, without leading zeros. */
export function hexId(id: bigint): string {
  return id.toString(16)
}
