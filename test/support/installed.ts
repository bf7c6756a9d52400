import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { ownChild } from '../../scripts/children.ts'
import { differences, kubernetesLike, readKeys, withEtcd, withRestoredEtcd, writeKeys } from './etcd.ts'
import { clone, collect, nodes, type Ended } from './kpipe.ts'

/** Runs a program of Node, with nothing of the clone or of tap in its environment. */
export async function runOn(node: keyof typeof nodes, args: readonly string[], cwd: string): Promise<Ended> {
  const child = ownChild('env', ['-u', 'NODE_OPTIONS', nodes[node], ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, HOME: cwd, XDG_CACHE_HOME: join(cwd, 'cache'), XDG_STATE_HOME: join(cwd, 'state') },
  })
  return collect(child)
}

/** Runs npm to its end, without scripts of packages; what the cache has is not asked for again. @throws Error with what npm said */
export async function npm(args: readonly string[], cwd: string): Promise<string> {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error', '--prefer-offline']
  const { code, stdout, stderr } = await collect(ownChild('npm', [...args, ...quiet], { cwd, stdio: ['ignore', 'pipe', 'pipe'] }))
  if (code !== 0) throw new Error(`npm ${args.join(' ')} ended with ${code}: ${stderr}`)
  return stdout
}

export interface PackedFile {
  readonly path: string
  readonly mode: number
}

/** Packs a package, and tells what is in it. */
export async function pack(folder: string, to: string): Promise<{ readonly file: string; readonly files: readonly PackedFile[] }> {
  const [packed] = JSON.parse(await npm(['pack', '--json', `--pack-destination=${to}`], folder)) as [
    { filename: string; files: PackedFile[] },
  ]
  return { file: join(to, packed.filename), files: packed.files }
}

/** The main part of the tour, on a file: a backup, the key lost, and all of it back. @param bin the program */
export async function shortTour(t: Test, node: keyof typeof nodes, bin: string, folder: string): Promise<void> {
  mkdirSync(folder)
  copyFileSync(join(clone, 'examples/snapshot.db'), join(folder, 'snap.db'))
  const source = 'name: tour\nsource: { use: file, with: { path: snap.db } }'
  writeFileSync(
    join(folder, 'backup.yaml'),
    `${source}\nstore: { use: store-fs, with: { path: repository } }\nkey: { file: repository.key }\n`,
  )
  const kpipe = async (...args: string[]) => {
    const ended = await runOn(node, [bin, ...args], folder)
    t.equal(ended.code, 0, `kpipe ${args.join(' ')}: ${ended.stderr}`)
    return ended.stdout
  }
  t.match(await kpipe('--version'), new RegExp(`\\(node v${node}\\.`))
  await kpipe('init', '--recovery-phrase-file', 'phrase.txt')
  await kpipe('run', 'backup.yaml', '--tag', 'first')
  t.match(await kpipe('run', '--json'), /"bytes_fresh":0,/)
  t.equal(JSON.parse(await kpipe('snapshots', '--json')).length, 2)
  const alone = ['--store', 'repository', '--recovery-phrase-file', 'phrase.txt']
  await kpipe('restore', 'latest', ...alone, '-to', 'back.db')
  t.ok(readFileSync(join(folder, 'back.db')).equals(readFileSync(join(folder, 'snap.db'))), 'byte for byte')
  t.match(await kpipe('status', 'latest', ...alone), /^[0-9a-f]+, \d+, \d+, /)
  t.match(await kpipe('stages'), /^compress +codec /m)
  t.match(await kpipe('help', 'run'), /USAGE/)
}

/** The same on a live etcd, up to one that boots from what came back and has every key. @param folder made anew */
export async function etcdTour(t: Test, node: keyof typeof nodes, bin: string, folder: string): Promise<void> {
  mkdirSync(folder)
  const keys = await withEtcd('3.6', async (etcd) => {
    await writeKeys(etcd.clientUrl, kubernetesLike())
    const source = `source: { use: etcd, with: { location: '${etcd.clientUrl}' } }`
    writeFileSync(
      join(folder, 'backup.yaml'),
      `${source}\nstore: { use: store-fs, with: { path: repository } }\nkey: { file: repository.key }\n`,
    )
    for (const args of [
      ['init', '--recovery-phrase-file', 'phrase.txt'],
      ['run', 'backup.yaml'],
    ]) {
      const { code, stderr } = await runOn(node, [bin, ...args], folder)
      t.equal(code, 0, stderr)
    }
    return readKeys(etcd.clientUrl)
  })
  t.ok(keys.size > 1000)
  const alone = ['--store', 'repository', '--recovery-phrase-file', 'phrase.txt']
  const { code, stderr } = await runOn(node, [bin, 'restore', 'latest', ...alone, '-to', 'snap'], folder)
  t.equal(code, 0, stderr)
  await withRestoredEtcd('3.6', join(folder, 'snap'), async (etcd) => {
    t.same(differences(keys, await readKeys(etcd.clientUrl)), [])
  })
}
