import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { dropFolder, ownFolder } from '../scripts/children.ts'
import { hourLater, kubernetesLike, withEtcd, writeKeys } from '../test/support/etcd.ts'
import { kpipe, spawnKpipe } from '../test/support/kpipe.ts'
import type { Ended, KpipeOptions } from '../test/support/kpipe.ts'
import { homeOf } from '../test/support/place.ts'

/** A folder with a repository, and an etcd to fill it from, in which keys change all the time. */
export interface Cluster {
  readonly folder: string
  kpipe(args: readonly string[]): Promise<Ended>
  spawn(args: readonly string[]): ReturnType<typeof spawnKpipe>
}

const pauseMs = 300

/** Runs `use` with such a cluster, and stops and removes all of it whatever happens. */
export async function withCluster(use: (cluster: Cluster) => Promise<void>): Promise<void> {
  const folder = ownFolder('kpipe-torture-')
  const writing = new AbortController()
  try {
    await withEtcd('3.6', async ({ clientUrl }) => {
      await writeKeys(clientUrl, kubernetesLike())
      const changing = changeKeys(clientUrl, writing.signal)
      try {
        await use(await makeRepository(folder, clientUrl))
      } finally {
        writing.abort()
        await changing
      }
    })
  } finally {
    dropFolder(folder)
  }
}

async function makeRepository(folder: string, endpoint: string): Promise<Cluster> {
  mkdirSync(join(folder, 'home'))
  const lines = [
    `source: { use: etcd, with: { endpoints: [${endpoint}] } }`,
    'store: { use: store-fs, with: { path: ./repository } }',
    'key: { file: ./repository.key }',
  ]
  writeFileSync(join(folder, 'backup.yaml'), `${lines.join('\n')}\n`)
  const options: KpipeOptions = { cwd: folder, env: homeOf(join(folder, 'home')) }
  const cluster: Cluster = {
    folder,
    kpipe: (args) => kpipe(args, options),
    spawn: (args) => spawnKpipe(args, options),
  }
  const { code, stderr } = await cluster.kpipe(['init', '--no-recovery-phrase'])
  if (code !== 0) throw new Error(`init ended with ${code}: ${stderr}`)
  return cluster
}

async function changeKeys(clientUrl: string, signal: AbortSignal): Promise<void> {
  for (let hour = 1; !signal.aborted; hour++) {
    await writeKeys(clientUrl, hourLater(hour))
    await delay(pauseMs, undefined, { signal }).catch(() => undefined) // Told to stop.
  }
}

export interface ListedSnapshot {
  readonly id: string
  readonly name: string
}

/** All snapshots, oldest first. */
export async function listSnapshots(cluster: Cluster): Promise<ListedSnapshot[]> {
  const { code, stdout, stderr } = await cluster.kpipe(['snapshots', '--json'])
  if (code !== 0) throw new Error(`snapshots ended with ${code}: ${stderr}`)
  return JSON.parse(stdout) as ListedSnapshot[]
}
