import { Etcd3, type Namespace } from 'etcd3'

/** One key as etcd holds it; revisions are decimal text, as etcd3 gives 64-bit numbers. */
export interface StoredKey {
  readonly value: Buffer
  readonly createRevision: string
  readonly modRevision: string
  readonly version: string
  readonly lease: string
}

const keysPerTransaction = 100
const keysPerPage = 500

/** A client for keys, on plain http and never through a proxy. The caller closes it. */
export function etcdClient(clientUrl: string): Etcd3 {
  return new Etcd3({ hosts: clientUrl, grpcOptions: { 'grpc.enable_http_proxy': 0, 'grpc.max_receive_message_length': -1 } })
}

/** Writes all pairs, 100 in a transaction, and returns how many there were. */
export async function writeKeys(clientUrl: string, pairs: Iterable<readonly [key: string, value: Buffer]>): Promise<number> {
  const client = etcdClient(clientUrl)
  try {
    let written = 0
    let pending: ReturnType<Namespace['put']>[] = []
    // etcd3 wants a condition; no key has this name, so it always holds.
    const flush = async () => {
      await client
        .if('no such key', 'Version', '==', 0)
        .then(...pending)
        .commit()
      written += pending.length
      pending = []
    }
    for (const [key, value] of pairs) {
      pending.push(client.put(key).value(value))
      if (pending.length === keysPerTransaction) await flush()
    }
    if (pending.length > 0) await flush()
    return written
  } finally {
    client.close()
  }
}

/** Deletes the keys, one request each. */
export async function deleteKeys(clientUrl: string, keys: Iterable<string>): Promise<void> {
  const client = etcdClient(clientUrl)
  try {
    for (const key of keys) await client.delete().key(key)
  } finally {
    client.close()
  }
}

/** Every live key with value and revisions, read page by page at one revision. Keys are latin1 text: no byte of a key is lost. */
export async function readKeys(clientUrl: string): Promise<Map<string, StoredKey>> {
  const client = etcdClient(clientUrl)
  try {
    const keys = new Map<string, StoredKey>()
    let from = Buffer.of(0)
    let revision: string | undefined
    for (;;) {
      // An end of one zero byte means: all keys from the first on.
      const page = await client.kv.range({ key: from, range_end: Buffer.of(0), limit: keysPerPage, ...(revision && { revision }) })
      revision ??= page.header.revision
      for (const { key, value, create_revision, mod_revision, version, lease } of page.kvs) {
        keys.set(key.toString('latin1'), { value, createRevision: create_revision, modRevision: mod_revision, version, lease })
      }
      const last = page.kvs.at(-1)
      if (!page.more || !last) return keys
      from = Buffer.concat([last.key, Buffer.of(0)])
    }
  } finally {
    client.close()
  }
}

/** What differs between two sets of keys, a line each, at most ten; empty when all keys, values, revisions and leases are the same. */
export function differences(expected: ReadonlyMap<string, StoredKey>, found: ReadonlyMap<string, StoredKey>): string[] {
  const lines: string[] = []
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const [a, b] = [expected.get(key), found.get(key)]
    if (!a || !b) lines.push(`${key}: ${a ? 'missing' : 'not expected'}`)
    else if (!a.value.equals(b.value)) lines.push(`${key}: another value`)
    else if (a.modRevision !== b.modRevision || a.createRevision !== b.createRevision || a.version !== b.version || a.lease !== b.lease) {
      lines.push(`${key}: another revision or lease`)
    }
    if (lines.length === 10) break
  }
  return lines
}
