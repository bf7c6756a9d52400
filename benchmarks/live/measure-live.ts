import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../../scripts/children.ts'
import type { EtcdBinaries } from '../../scripts/etcd/binaries.ts'
import { restoreAndStart } from '../../scripts/etcd/restore-etcd.ts'
import { loopbackEnv } from '../../scripts/loopback-env.ts'
import { clusterOf, period, periodsPerHour } from '../data/churn.ts'
import { drive } from '../data/drive.ts'
import { periodsBefore } from '../data/generate.ts'
import { benchFolder } from '../data/series.ts'
import { type Run, runChild } from '../measure/child.ts'
import { type BenchRepository, copyOf, newRepository } from '../measure/repository.ts'
import { newRunner, type Ran, type Runner } from '../peers/runner.ts'
import type { Tool } from '../peers/tool.ts'

export interface LiveMeasure {
  /** All but `first` are of what an hour changed, or nothing. */
  readonly kind: 'save' | 'first' | 'unchanged' | 'save later' | 'later' | 'save and restic later'
  readonly title: string
  readonly seconds: readonly number[]
  readonly cpuSeconds: readonly number[]
  readonly grownBytes: number | undefined
}

export interface LiveFigures {
  /** Of a snapshot. */
  readonly bytes: number
  readonly measures: readonly LiveMeasure[]
}

export interface LiveOptions {
  readonly binaries: EtcdBinaries
  readonly restic: Tool | undefined
  /** What the etcd begins with: the last of so many generated ones, an hour apart, of so many MiB. It then goes on as they did. */
  readonly snapshot: string
  readonly mebibytes: number
  readonly hours: number
  readonly repeats: number
  log(line: string): void
}

type Work = readonly [kind: LiveMeasure['kind'], title: string, run: () => Promise<Ran>]

/** Starts an etcd from the snapshot, backs it up in all ways in turns, lets an hour pass, and does so again. */
export async function measureLive({ binaries, restic, snapshot, mebibytes, hours, repeats, log }: LiveOptions): Promise<LiveFigures> {
  const folder = ownFolder('.live-', benchFolder)
  const etcd = await restoreAndStart(binaries, snapshot, { extraArgs: ['--unsafe-no-fsync'] })
  try {
    const source = { use: 'etcd', with: { endpoints: [etcd.clientUrl] } }
    const saved = join(folder, 'input/snapshot.db')
    mkdirSync(join(folder, 'input'))
    const save = async (): Promise<Run> => {
      rmSync(saved, { force: true })
      return runChild(binaries.etcdctl, ['snapshot', 'save', saved, `--endpoints=${etcd.clientUrl}`], loopbackEnv())
    }
    const backUp = async (from: BenchRepository): Promise<Ran> => {
      const repository = copyOf(from, join(folder, 'work'))
      const before = repository.bytes()
      const run = await repository.backUp(source)
      return { ...run, grownBytes: repository.bytes() - before }
    }
    const saveAndKeep = async (runner: Runner): Promise<Ran> => {
      const first = await save()
      const second = await runner.backUp(saved, 'later')
      return { ...second, seconds: first.seconds + second.seconds, cpuSeconds: first.cpuSeconds + second.cpuSeconds }
    }

    const empty = await newRepository(join(folder, 'empty'))
    const filled = copyOf(empty, join(folder, 'filled'))
    await filled.backUp(source)
    const beside = restic && (await newRunner(restic, join(folder, 'restic')))
    await save()
    await beside?.keep(saved, 'first')
    log(`${mebibytes} MiB: at rest`)
    const before = await inTurns(repeats, [
      ['save', '`etcdctl snapshot save`', save],
      ['first', '`kpipe run`, first', () => backUp(empty)],
      ['unchanged', '`kpipe run`, unchanged', () => backUp(filled)],
    ])
    log(`${mebibytes} MiB: an hour passes`)
    await anHour(etcd.clientUrl, mebibytes, hours)
    const after = await inTurns(repeats, [
      ['save later', '`etcdctl snapshot save`, an hour later', save],
      ['later', '`kpipe run`, an hour later', () => backUp(filled)],
      ...(beside
        ? ([['save and restic later', '`etcdctl snapshot save`, then `restic backup`', () => saveAndKeep(beside)]] satisfies Work[])
        : []),
    ])
    return { bytes: statSync(saved).size, measures: [...before, ...after] }
  } finally {
    await etcd.stop()
    dropFolder(folder)
  }
}

/** In turns, so that what else the machine does falls on all of them. The first round fills caches. */
async function inTurns(repeats: number, works: readonly Work[]): Promise<LiveMeasure[]> {
  const runs = works.map((): Ran[] => [])
  for (let n = 0; n <= repeats; n++) {
    for (const [index, [, , run]] of works.entries()) {
      const ended = await run()
      if (n > 0) runs[index]!.push(ended)
    }
  }
  return works.map(([kind, title], index) => ({
    kind,
    title,
    seconds: runs[index]!.map((run) => run.seconds),
    cpuSeconds: runs[index]!.map((run) => run.cpuSeconds),
    grownBytes: runs[index]!.at(-1)!.grownBytes,
  }))
}

/** The one after this many snapshots. */
async function anHour(clientUrl: string, mebibytes: number, hours: number): Promise<void> {
  const passed = periodsBefore + (hours - 1) * periodsPerHour
  const driver = drive(clientUrl)
  for (let n = 0; n < periodsPerHour; n++) await driver.apply(period(clusterOf(mebibytes), passed + n))
  driver.close()
}
