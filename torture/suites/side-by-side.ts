import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { dice } from '../../packages/repository/test/made-repository.ts'
import type { Suite, Trial } from '../../packages/repository/torture/suite.ts'
import { lastLine } from '../../test/support/place.ts'
import { listSnapshots, withCluster } from '../cluster.ts'
import type { Cluster } from '../cluster.ts'

const minutes = 10
const leastSeconds = 20
/** Shares of the dice: below the first a process is killed, below the second stopped for a while. */
const [killed, stopped] = [0.2, 0.5]
/** No process is done by then. */
const earlyMs = 150
/** Done; needs a look; another process ended or overtook it. */
const fine = new Set([0, 3, 11])

interface Actor {
  readonly kind: string
  args(): readonly string[]
}

const writers: readonly Actor[] = ['one', 'two', 'three'].map((name) => ({ kind: 'run', args: () => ['run', '--name', name, '--json'] }))
const others: readonly Actor[] = [
  { kind: 'prune', args: () => ['prune', '--apply', '--max-unused', '0', '--sweep-delay', '0s', '--json'] },
  { kind: 'prune', args: () => ['prune', '--apply', '--max-unused', '10%', '--sweep-delay', '0s', '--json'] },
  { kind: 'forget', args: () => ['forget', '--keep-last', '3', '--apply', '--force', '--json'] },
]

interface Course {
  readonly trial: Trial
  readonly cluster: Cluster
  readonly until: number
  /** Newest snapshot that a finished run named, by name. */
  readonly newest: Map<string, string>
  /** Runs that were let alone. */
  finished: number
  problem: string | undefined
}

/** Writers, collectors and forgetters as processes of one repository, some killed and some stopped for a while; then all of it is read. */
export const sideBySideSuite: Suite = {
  name: 'side-by-side',
  kinds: ['run killed', 'prune killed', 'forget killed', 'run stopped', 'prune stopped', 'forget stopped'],
  run: (trial) =>
    withCluster(async (cluster) => {
      const seconds = Math.max(leastSeconds, minutes * 60 * trial.share)
      const course: Course = {
        trial,
        cluster,
        until: performance.now() + seconds * 1000,
        newest: new Map(),
        finished: 0,
        problem: undefined,
      }
      await Promise.all([...writers, ...others].map((actor, index) => play(course, actor, dice(trial.seed * 101 + index))))
      course.problem ??= await endProblem(course)
      if (course.problem !== undefined) trial.fail(1, course.problem)
    }),
}

/** One process after the other, until the time is over. */
async function play(course: Course, { kind, args }: Actor, roll: () => number): Promise<void> {
  const { trial, cluster } = course
  for (let turn = 0; performance.now() < course.until && course.problem === undefined; turn++) {
    const words = args()
    const { child, ended } = cluster.spawn(words)
    // The first process of each is killed, the second stopped, whatever the dice say.
    const fate = [killed, stopped][turn] ?? roll()
    let over = false
    void ended.then(() => (over = true))
    const meddle = async (): Promise<void> => {
      await delay(turn < 2 ? earlyMs : roll() * 2_000)
      if (over || fate > stopped) return
      if (fate <= killed) return void (child.kill('SIGKILL') && trial.count(`${kind} killed`))
      if (!child.kill('SIGSTOP')) return
      trial.count(`${kind} stopped`)
      await delay(200 + roll() * 4_000)
      child.kill('SIGCONT')
    }
    await meddle()
    const end = await ended
    trial.done()
    if (end.signal === 'SIGKILL') continue
    if (!fine.has(end.code ?? -1)) course.problem = `${words.join(' ')} ended with ${end.code ?? end.signal}: ${end.stderr}`
    else if (kind === 'run' && end.code !== 11) {
      const { name, snapshot_id: id } = lastLine(end)
      course.newest.set(String(name), String(id))
      course.finished += 1
    }
  }
}

async function endProblem({ cluster, newest, finished }: Course): Promise<string | undefined> {
  if (newest.size < writers.length || finished < 2 * writers.length) return `only ${finished} runs came to their end`
  const prune = await cluster.kpipe(['prune', '--apply', '--max-unused', '0', '--sweep-delay', '0s'])
  if (prune.code !== 0) return `the last prune ended with ${prune.code}: ${prune.stderr}`
  const check = await cluster.kpipe(['check', '--read-data', '--etcd'])
  if (check.code !== 0) return `the check ended with ${check.code}: ${check.stdout}${check.stderr}`
  const listed = await listSnapshots(cluster)
  for (const [name, id] of newest) if (!listed.some((snapshot) => snapshot.id === id)) return `${id}, the newest of ${name}, is gone`
  for (const { id } of listed) {
    const target = join(cluster.folder, 'restored.db')
    const { code, stderr } = await cluster.kpipe(['restore', id, '-to', target])
    await rm(target, { force: true })
    if (code !== 0) return `restore ${id} ended with ${code}: ${stderr}`
  }
  return undefined
}
