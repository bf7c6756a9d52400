import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'

const fixtures = join(import.meta.dirname, 'fixtures')
const shared = join(import.meta.dirname, '../../../test/fixtures')

/** A database of the fixtures, unpacked. */
export function readDatabase(name: string): Uint8Array {
  const bytes = readFileSync(join(fixtures, name))
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes
}

export function readJson<Shape>(name: string): Shape {
  return JSON.parse(readFileSync(join(fixtures, name), 'utf8'))
}

/** A snapshot of a small Kubernetes cluster, and what etcdutl 3.6 says of it. */
export function readKubernetes(hour: string): { bytes: Uint8Array; status: object } {
  return {
    bytes: zstdDecompressSync(readFileSync(join(shared, `k8s-small/${hour}.db.zst`))),
    status: JSON.parse(readFileSync(join(shared, `k8s-small/${hour}.db.status.json`), 'utf8')),
  }
}

export const snapshotVersions = ['3.4.23', '3.5.35', '3.6.16', '3.7.3']
