import { readFile, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BoltError, crc32c, readFields } from '@kpipe/bolt'

/** What the files beside the database say. */
export interface RaftSnapshots {
  /** Whether the newest snapshot of raft that can be read holds keys or users of version 2; undefined when none can. */
  readonly v2Data: boolean | undefined
  /** A newer database, received from a leader, that etcd puts in place of `db` when it starts. */
  readonly received: string | undefined
}

const snapName = /^[0-9a-f]{16}-([0-9a-f]{16})\.snap$/
/** Those without data of version 2 have some KiB a member and up to 1 MiB of history. */
const largeBytes = 64 << 20

/** @param after the consistent index of the database */
export async function readRaftSnapshots(folder: string, after: number): Promise<RaftSnapshots> {
  const names = await readdir(folder)
  const newestFirst = names.filter((name) => snapName.test(name)).toSorted((a, b) => (indexOf(a) < indexOf(b) ? 1 : -1))
  const newest = newestFirst[0] === undefined ? 0n : indexOf(newestFirst[0])
  const received = `${newest.toString(16).padStart(16, '0')}.snap.db`
  return {
    v2Data: await v2DataIn(newestFirst.map((name) => join(folder, name))),
    received: newest > BigInt(after) && names.includes(received) ? received : undefined,
  }
}

const indexOf = (name: string): bigint => BigInt(`0x${snapName.exec(name)![1]}`)

/** As etcd does it: the first one that is whole counts. */
async function v2DataIn(files: readonly string[]): Promise<boolean | undefined> {
  for (const file of files) {
    if ((await stat(file)).size > largeBytes) return true
    const store = storeOf(await readFile(file))
    if (store !== undefined) return ['1', '2'].some((name) => hasChildren(store.Root?.Children?.[name]))
  }
  return undefined
}

interface Directory {
  readonly Children?: Readonly<Record<string, Directory | undefined>> | null
}

const hasChildren = (directory: Directory | undefined): boolean => Object.keys(directory?.Children ?? {}).length > 0

/** The store of version 2 in a file: snappb {1 crc, 2 raftpb.Snapshot {1 JSON}}. Undefined when the file is not whole. */
function storeOf(file: Uint8Array): { readonly Root?: Directory } | undefined {
  try {
    const outer = fieldsOf(file)
    const snapshot = outer.get(2)
    if (!(snapshot instanceof Uint8Array)) return undefined
    const view = new DataView(snapshot.buffer, snapshot.byteOffset, snapshot.length)
    if (BigInt(crc32c(view, 0, snapshot.length)) !== outer.get(1)) return undefined
    const json = fieldsOf(snapshot).get(1)
    return json instanceof Uint8Array ? ((JSON.parse(Buffer.from(json).toString()) ?? undefined) as ReturnType<typeof storeOf>) : undefined
  } catch (error) {
    if (error instanceof BoltError || error instanceof SyntaxError) return undefined
    throw error
  }
}

function fieldsOf(message: Uint8Array): Map<number, bigint | Uint8Array> {
  const fields = new Map<number, bigint | Uint8Array>()
  for (const { number, value } of readFields(message)) fields.set(number, value)
  return fields
}
