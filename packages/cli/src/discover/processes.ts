import type { Host } from './host.ts'
import { throughMounts } from './host-paths.ts'
import { saidIn } from './launch.ts'
import type { Launch } from './launch.ts'
import { sharedMounts } from './process-mounts.ts'
import { isProgram } from './shell-words.ts'

/** Every etcd that runs on this host, as far as this user may look; or the one with an id. */
export async function processLaunches(host: Host, only?: string): Promise<Launch[]> {
  const ids = (await host.list('/proc'))
    .filter((name) => /^\d+$/.test(name) && (only === undefined || name === only))
    .toSorted((one, other) => Number(one) - Number(other))
  const launches: Launch[] = []
  for (const id of ids) {
    const words = split((await host.read(`/proc/${id}/cmdline`)).text ?? '')
    if (isProgram('etcd', words[0])) launches.push(await processLaunch(host, id, words.slice(1)))
  }
  return launches
}

async function processLaunch(host: Host, id: string, args: readonly string[]): Promise<Launch> {
  const place = await placeOf(host, id)
  const environment = await host.read(`/proc/${id}/environ`)
  const notes = environment.text === undefined ? [`the environment of ${place} cannot be read (${environment.code})`] : []
  const pairs = split(environment.text ?? '').flatMap((text): [string, string][] => {
    const at = text.indexOf('=')
    return at > 0 ? [[text.slice(0, at), text.slice(at + 1)]] : []
  })
  return {
    kind: 'process',
    place,
    args,
    env: saidIn(place, pairs),
    hostPath: await pathsOf(host, id),
    folder: await host.link(`/proc/${id}/cwd`),
    local: await isShared(host, id, 'net'),
    notes,
  }
}

/** Paths of a process in a container are those of this host only where a mount says so. */
async function pathsOf(host: Host, id: string): Promise<(path: string) => string | undefined> {
  if (await isShared(host, id, 'mnt')) return (path) => path
  const infos = await Promise.all([host.read(`/proc/${id}/mountinfo`), host.read('/proc/self/mountinfo')])
  const mounts = sharedMounts(infos[0].text ?? '', infos[1].text ?? '')
  return (path) => throughMounts(mounts, path)
}

/** Whether a process sees the same files (`mnt`) or network (`net`) as this one; where nobody tells, it does. */
async function isShared(host: Host, id: string, namespace: 'mnt' | 'net'): Promise<boolean> {
  const [theirs, own] = await Promise.all([host.link(`/proc/${id}/ns/${namespace}`), host.link(`/proc/self/ns/${namespace}`)])
  return theirs === undefined || theirs === own
}

/** Anybody may call a process etcd: whose it is stands with it, unless it is root's. */
async function placeOf(host: Host, id: string): Promise<string> {
  const [, user = '0'] = /^Uid:\s+(\d+)/m.exec((await host.read(`/proc/${id}/status`)).text ?? '') ?? []
  return user === '0' ? `process ${id}` : `process ${id} of user ${user}`
}

/** Words that end with a zero byte each. */
function split(text: string): string[] {
  return text.split('\0').filter((word, index, all) => word !== '' || index < all.length - 1)
}
