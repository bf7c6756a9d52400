import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeConformance } from '@kpipe/engine/testing'
import { after, test } from 'tap'
import store from '../src/index.ts'

const folders: string[] = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function place() {
  const folder = await mkdtemp(join(tmpdir(), 'kpipe-store-'))
  folders.push(folder)
  return { settings: { path: join(folder, 'repository') } }
}

for (const { title, run } of storeConformance(store, place, { module: import.meta.resolve('../src/index.ts') }))
  test(title, (t) => t.resolves(run()))
