import { createHash } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { changedPages } from '../data/changed-pages.ts'
import { fixedWork } from '../measure/fixed-work.ts'
import { layInput } from './lay-input.ts'
import type { Measure, Measured, SeriesFigures } from './peer-figures.ts'
import { newRunner, type Ran, type Runner } from './runner.ts'
import type { Tool } from './tool.ts'

interface Turn {
  run(runner: Runner): Promise<Ran>
  peak?(runner: Runner): Promise<number>
  /** After the first round, which only fills caches. */
  check?(runner: Runner): void
}

/** Backs up a series of snapshots in order with each tool, restores the last one, and lists them. @param folder made, and left to the caller */
export async function measureSeries(
  tools: readonly Tool[],
  files: readonly string[],
  options: { folder: string; repeats: number; log(line: string): void },
): Promise<SeriesFigures> {
  const { folder, repeats, log } = options
  const runners: Runner[] = []
  for (const tool of tools) runners.push(await newRunner(tool, join(folder, tool.name)))
  const works: number[] = []
  const measures: Measure[] = []
  const measure = async (kind: Measure['kind'], title: string, turn: Turn): Promise<void> => {
    log(title)
    measures.push({ kind, title, of: await inTurns(runners, turn, repeats, async () => works.push(await fixedWork(files[0]!))) })
  }
  const backUp = async (kind: Measure['kind'], title: string, snapshot: string, label: string): Promise<void> => {
    // As a new snapshot is, it is another file each hour, so that no tool may pass over it for its times.
    const input = layInput(snapshot, join(folder, 'input'), kind === 'unchanged' ? 'copy' : 'link')
    await measure(kind, title, {
      run: (runner) => runner.backUp(input, label),
      peak: (runner) => runner.backUpPeak(input, label),
    })
    if (kind === 'unchanged') return
    for (const runner of runners) await runner.keep(input, label)
  }

  await backUp('first', 'first backup', files[0]!, 'hour-0')
  await backUp('unchanged', 'nothing changed', files[0]!, 'again')
  for (const [hour, file] of files.entries()) if (hour > 0) await backUp('later', `${hour} h later`, file, `hour-${hour}`)
  const [last, label] = [files.at(-1)!, `hour-${files.length - 1}`]
  const digest = digestOf(last)
  await measure('restore', 'restore of the last one', {
    run: (runner) => runner.restore(label),
    peak: (runner) => runner.restorePeak(label),
    check(runner) {
      if (digestOf(runner.restored()) !== digest) throw new Error(`${runner.tool.name} restored other bytes`)
    },
  })
  await measure('list', 'list of the snapshots', { run: (runner) => runner.list() })
  return {
    bytes: files.map((file) => statSync(file).size),
    changed: files.slice(1).map((file, hour) => changedPages(readFileSync(files[hour]!), readFileSync(file)).length),
    works,
    measures,
    repositoryBytes: runners.map((runner) => runner.bytes()),
  }
}

const peakRuns = 2

/** All tools in turns, so that what else the machine does falls on all of them. */
async function inTurns(runners: readonly Runner[], turn: Turn, repeats: number, between: () => Promise<unknown>): Promise<Measured[]> {
  for (const runner of runners) {
    await turn.run(runner)
    turn.check?.(runner)
  }
  const ran = runners.map((): Ran[] => [])
  for (let n = 0; n < repeats; n++) {
    await between()
    for (const [index, runner] of runners.entries()) ran[index]!.push(await turn.run(runner))
  }
  const peaks = runners.map(() => 0)
  for (let n = 0; n < peakRuns && turn.peak; n++) {
    for (const [index, runner] of runners.entries()) peaks[index] = Math.max(peaks[index]!, await turn.peak(runner))
  }
  return ran.map((runs, index) => {
    const { grownBytes } = runs.at(-1)!
    return {
      seconds: runs.map(({ seconds }) => seconds),
      cpuSeconds: runs.map(({ cpuSeconds }) => cpuSeconds),
      peakBytes: peaks[index]!,
      ...(grownBytes !== undefined && { grownBytes }),
    }
  })
}

function digestOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
