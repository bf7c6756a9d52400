import { join } from 'node:path'
import { rm } from 'node:fs/promises'
import { dice } from '../../packages/repository/test/made-repository.ts'
import type { Suite, Trial } from '../../packages/repository/torture/suite.ts'
import { lastLine } from '../../test/support/place.ts'
import { listSnapshots, withCluster } from '../cluster.ts'
import type { Cluster } from '../cluster.ts'

const cases = 200
const readEvery = 20

interface Command {
  readonly kind: string
  /** Of a hundred cases. */
  readonly share: number
  readonly args: readonly string[]
}

const commands: readonly Command[] = [
  { kind: 'run killed', share: 60, args: ['run', '--name', 'one', '--json'] },
  { kind: 'run of another name killed', share: 15, args: ['run', '--name', 'two', '--json'] },
  { kind: 'forget killed', share: 8, args: ['forget', '--keep-last', '4', '--apply', '--force', '--json'] },
  { kind: 'prune killed', share: 12, args: ['prune', '--apply', '--max-unused', '0', '--sweep-delay', '0s', '--json'] },
  { kind: 'key rotate killed', share: 5, args: ['key', 'rotate'] },
]

/** `kill -9` of the real program on a real etcd at random times; then the repository is checked, and a snapshot restored. */
export const killSuite: Suite = {
  name: 'kill',
  kinds: [...commands.map(({ kind }) => kind), 'ended before it was killed'],
  run: (trial) =>
    withCluster(async (cluster) => {
      const seconds = await durations(cluster)
      const wanted = Math.max(commands.length + 1, Math.round(cases * trial.share))
      // By acknowledgement: those that a finished run named and no forget may have taken.
      const acknowledged = new Map<string, string>()
      for (let n = 1; n <= wanted; n++) {
        const roll = dice(trial.seed * 7_919 + n)
        // Each command is killed at least once, and one is let alone.
        const command = commands[n - 1] ?? (n === commands.length + 1 ? commands[0]! : chosen(roll()))
        const killAt = n <= commands.length ? 0.3 : n === commands.length + 1 ? Infinity : roll() * 1.1
        const problem = await oneCase(trial, cluster, roll, command, killAt * seconds.get(command.kind)!, acknowledged, n % readEvery === 0)
        trial.done()
        if (problem !== undefined) return trial.fail(n, problem)
      }
    }),
}

/** How long each command takes that is let alone, in milliseconds. */
async function durations(cluster: Cluster): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for (const { kind, args } of commands) {
    const began = performance.now()
    const { code, stderr } = await cluster.kpipe(args)
    if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${stderr}`)
    found.set(kind, performance.now() - began)
  }
  return found
}

async function oneCase(
  trial: Trial,
  cluster: Cluster,
  roll: () => number,
  { kind, args }: Command,
  killAfterMs: number,
  acknowledged: Map<string, string>,
  read: boolean,
): Promise<string | undefined> {
  const { child, ended } = cluster.spawn(args)
  const timer = killAfterMs === Infinity ? undefined : setTimeout(() => child.kill('SIGKILL'), killAfterMs)
  const end = await ended
  clearTimeout(timer)
  trial.count(end.signal === 'SIGKILL' ? kind : 'ended before it was killed')
  if (end.signal === null && end.code !== 0) return `${args.join(' ')} ended with ${end.code}: ${end.stderr}`
  const listed = await listSnapshots(cluster)
  if (kind.startsWith('forget')) keepListed(acknowledged, listed)
  else if (kind.startsWith('run') && end.signal === null) acknowledged.set(String(lastLine(end)['snapshot_id']), kind)
  const missing = [...acknowledged.keys()].find((id) => !listed.some((snapshot) => snapshot.id === id))
  if (missing !== undefined) return `snapshot ${missing} was acknowledged and is gone after ${args.join(' ')}`
  const check = await cluster.kpipe(['check', ...(read ? ['--read-data', '--etcd'] : [])])
  if (check.code !== 0) return `check ended with ${check.code} after ${args.join(' ')}: ${check.stdout}${check.stderr}`
  const one = listed[Math.floor(roll() * listed.length)]
  return one === undefined ? undefined : restoreProblem(cluster, one.id)
}

/** A forget that was killed may have forgotten, or not; it never takes the four newest of a name. */
function keepListed(acknowledged: Map<string, string>, listed: readonly { readonly id: string }[]): void {
  const there = new Set(listed.map(({ id }) => id))
  const newest = new Set([...Map.groupBy(acknowledged, ([, kind]) => kind).values()].flatMap((ids) => ids.slice(-4)).map(([id]) => id))
  for (const id of acknowledged.keys()) if (!there.has(id) && !newest.has(id)) acknowledged.delete(id)
}

async function restoreProblem(cluster: Cluster, id: string): Promise<string | undefined> {
  const target = join(cluster.folder, 'restored.db')
  const { code, stderr } = await cluster.kpipe(['restore', id, '-to', target])
  await rm(target, { force: true })
  return code === 0 ? undefined : `restore ${id} ended with ${code}: ${stderr}`
}

function chosen(roll: number): Command {
  let left = roll * 100
  return commands.find(({ share }) => (left -= share) < 0) ?? commands[0]!
}
