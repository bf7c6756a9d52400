import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { memoryPages, openBolt, walk } from '@kpipe/bolt'
import { readInitialCluster } from '../../src/restore/initial-cluster.ts'
import type { Form } from '../../src/restore/form.ts'

const own = join(import.meta.dirname, '../fixtures')
const shared = join(import.meta.dirname, '../../../bolt/test/fixtures')

/** Snapshots of real servers, and what the tools of the same version restored from them as member m1 of three. */
export const versions: readonly (readonly [version: string, form: Form])[] = [
  ['3.4.23', '3.4'],
  ['3.5.35', '3.5'],
  ['3.6.16', '3.6'],
  ['3.7.3', '3.7'],
]

export const snapshotOf = (version: string): Buffer => unpacked(join(shared, `snap-${version}.db`))
export const alarmedSnapshot = (): Buffer => unpacked(join(shared, 'snap-3.6.16-nospace-alarm.db.gz'))
/** The database of a member that was killed: longer than its content. */
export const crashedDatabase = (): Buffer => unpacked(join(shared, 'crash-3.6.16.db.gz'))
export const restored = (name: string): Buffer => unpacked(join(own, `restore-${name}`))

function unpacked(path: string): Buffer {
  const bytes = readFileSync(path)
  return path.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

/** The cluster that all of them were restored into, its members named in this order. */
export function threeMembers(name = 'm1', order = ['m1', 'm2', 'm3']) {
  const url = (member: string) => `http://10.0.0.${member.slice(1)}:2380`
  return {
    name,
    initialCluster: order.map((member) => `${member}=${url(member)}`).join(),
    initialClusterToken: 'tok-1',
    initialAdvertisePeerUrls: url(name),
  }
}

export const threeMemberCluster = (name?: string, order?: string[]) => readInitialCluster(threeMembers(name, order))

/** Every item of a database as text: bucket, key and value. */
export async function contentOf(database: Uint8Array): Promise<Map<string, string>> {
  const content = new Map<string, string>()
  for await (const { path, key, value } of walk(await openBolt(memoryPages(database)))) {
    const names = [...path, key].map((name) => Buffer.from(name).toString('latin1'))
    content.set(names.join('/'), value === undefined ? 'bucket' : Buffer.from(value).toString('latin1'))
  }
  return content
}
