import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sourceConformance, targetConformance } from '@kpipe/engine/testing'
import { after, test } from 'tap'
import { source } from '../src/source.ts'
import { target } from '../src/target.ts'
import { snapshotOf } from './source-reading.ts'

const folders: string[] = []
after(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))))

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'kpipe-file-'))
  folders.push(folder)
  return folder
}

const contents = { 'with a trailer': snapshotOf(3 << 20), 'without a trailer': Buffer.alloc(3_000_001, 'no trailer') }

for (const [name, content] of Object.entries(contents)) {
  const place = async () => {
    const path = join(await newFolder(), 'snap')
    await writeFile(path, content)
    return { settings: { path }, bytes: content }
  }
  for (const { title, run } of sourceConformance(source, place)) test(`a file ${name}: ${title}`, (t) => t.resolves(run()))
}

async function targetPlace() {
  const folder = await newFolder()
  const path = join(folder, 'snap')
  return {
    settings: { path },
    visible: () => readFile(path).catch(() => undefined),
    everything: () => readdir(folder),
  }
}

for (const { title, run } of targetConformance(target, targetPlace)) test(`target: ${title}`, (t) => t.resolves(run()))
