import { hashKv, openBolt, statusOf, walk } from '@kpipe/bolt'
import type { HashKv, NewItem, Status } from '@kpipe/bolt'
import type { Facts } from '@kpipe/engine/contracts'
import { withPages } from '../scratch/with-pages.ts'
import { Mismatch, NotDone } from './step.ts'
import type { Found } from './step.ts'

/** What was computed of the restored file. */
export interface Computed {
  status?: Status
  hashKv?: HashKv
}

/** Every page that the tree leads to, with all checks of a database. */
export async function walkDatabase(file: string, computed: Computed): Promise<Found> {
  return withPages(file, async (pages) => {
    const bolt = await openBolt(pages)
    computed.hashKv = await hashKv(bolt)
    return {
      note: `${counted(bolt.meta.pages, 'page')}, each where it belongs`,
      figures: { pages: bolt.meta.pages, page_bytes: pages.pageBytes },
    }
  })
}

/** What `etcdutl snapshot status` tells, against what was noted when the snapshot was made. */
export async function compareStatus(file: string, noted: Facts, computed: Computed): Promise<Found> {
  const status = await withPages(file, statusOf)
  computed.status = status
  const { hash, revision, keys, totalSize, items, compactRevision } = status
  const found = { status_hash: hash, revision, keys, total_size: totalSize, items, compact_revision: compactRevision }
  for (const [name, value] of Object.entries(found)) compare(name, value, noted[name])
  const figures = { status_hash: hash, revision, keys, total_size: totalSize }
  return { note: `hash ${hash.toString(16)}, revision ${revision}, ${counted(keys, 'key')}, as noted`, figures }
}

/** HashKV of the file against what the members said when the snapshot was made, as far as that was noted. */
export async function compareHashKv(noted: Facts, { hashKv: own }: Computed): Promise<Found> {
  if (own === undefined) throw new NotDone('HashKV was not computed')
  const fact = noted['hash_kv'] as Facts | null | undefined
  if (typeof fact !== 'object' || fact === null) throw new NotDone('no HashKV was noted when the snapshot was made')
  const found = { hash: own.hash, hash_revision: own.revision, compact_revision: own.compactRevision }
  for (const [name, value] of Object.entries(found)) compare(`hash_kv ${name}`, value, fact[name])
  return { note: `${own.hash} at revision ${own.revision}, as noted`, figures: found }
}

/** As facts name it. */
export function hashKvFact({ hash, revision, compactRevision, hashBefore }: HashKv): Facts {
  return {
    hash,
    hash_revision: revision,
    compact_revision: compactRevision,
    ...(hashBefore !== undefined && { hash_before_3_5_16: hashBefore }),
  }
}

/** Whether etcd will ask for users and passwords. */
export async function asksForUsers(file: string): Promise<boolean> {
  return withPages(file, async (pages) => {
    for await (const item of walk(await openBolt(pages), 'auth')) if (isSwitch(item) && item.value?.[0] === 1) return true
    return false
  })
}

/** The items of a database with authentication off; users and roles stay. */
export async function* withoutAuthentication(items: ReturnType<typeof walk>): AsyncGenerator<NewItem, void> {
  for await (const item of items) yield isSwitch(item) ? { ...item, value: Uint8Array.of(0) } : item
}

function isSwitch({ path, key }: { readonly path: readonly Uint8Array[]; readonly key: Uint8Array }): boolean {
  return path.length === 1 && Buffer.from(path[0]).toString() === 'auth' && Buffer.from(key).toString() === 'authEnabled'
}

/** Of what was noted; earlier versions noted less. */
function compare(name: string, found: number, noted: unknown): void {
  if (noted === undefined || noted === null || noted === found) return
  throw new Mismatch(`${name} is ${found} in the restored file, and ${String(noted)} was noted`)
}

export function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? '' : 's'}`
}
