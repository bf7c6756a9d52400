import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../scripts/build/bundle.ts'
import { ending } from '../scripts/check/run-program.ts'
import { ownChild } from '../scripts/children.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { benchFolder } from './data/series.ts'
import { keptFigures } from './measure/figures.ts'
import { kpipe } from './measure/kpipe.ts'
import { keepAllFigures, keepSections } from './measure/results-file.ts'
import { table } from './measure/table.ts'

/**
 * Runs every benchmark in a process of its own and keeps what they print in RESULTS.md and their figures in results.json; with names as
 * arguments only those, and keeps nothing unless `--keep` is given. `--quick` is one that takes less than two minutes.
 */
const order = [
  'data',
  'peers',
  'live',
  'growth',
  'process',
  'clone',
  'profile',
  'stages',
  'bolt',
  'scale',
  'history',
  'age',
  'chunking',
  'connection',
  'goals',
]
const words = process.argv.slice(2)
const chosen = words.filter((word) => !word.startsWith('--'))
const options = words.filter((word) => word.startsWith('--'))
const unknown = [...chosen.filter((name) => !order.includes(name)), ...options.filter((word) => !/^--(quick|baseline|keep)$/.test(word))][0]
if (unknown !== undefined) {
  console.error(`there is no benchmark ${unknown}; there are ${order.join(', ')}, and --quick, --quick --baseline, --keep`)
  process.exit(64)
}

// What people install is the bundle; `clone` is the same benchmark on the sources.
const release = join(benchFolder, 'release')
await bundle(release)
if (options.includes('--quick')) {
  const { stdout } = await run('quick', options)
  console.log(stdout.trim())
  process.exit()
}

const isKept = isKeeping()
const sections = new Map<string, string>()
const figures: Record<string, unknown> = {}
for (const name of chosen.length > 0 ? order.filter((name) => chosen.includes(name)) : order) {
  const before = loadavg()[0]!.toFixed(1)
  const { stdout, seconds } = await run(name, [])
  console.log(stdout)
  console.error(`${name}: ${seconds.toFixed(0)} s`)
  const [day, after] = [new Date().toISOString().slice(0, 10), loadavg()[0]!.toFixed(1)]
  sections.set(name, `${stdout.trim()}\n\n(${day}; load of the machine when this began ${before}, when it ended ${after}.)`)
  const kept = keptFigures(name)
  if (kept) figures[name] = { ...kept, loadBefore: Number(before), loadAfter: Number(after) }
  if (!isKept) continue
  // Whatever comes later may fail, and this took its time.
  const others = [
    ['machine', await machine()],
    ['torture', readFileSync(join(import.meta.dirname, 'torture.md'), 'utf8')],
  ] as const
  keepSections(new Map([...others, ...sections]), [...new Set(['machine', 'goals', ...order, 'torture'])])
  keepAllFigures(figures)
}

/** What it says on standard error is shown at once: some take a long time. */
async function run(name: string, args: readonly string[]): Promise<{ readonly stdout: string; readonly seconds: number }> {
  const script = join(import.meta.dirname, `${name === 'clone' ? 'process' : name}.ts`)
  const chart = { KPIPE_BENCH_CHART: isKeeping() ? join(import.meta.dirname, 'chart.svg') : undefined }
  const env = { ...process.env, ...chart, KPIPE_BENCH_RELEASE: name === 'clone' ? undefined : release }
  const began = performance.now()
  const child = ownChild(process.execPath, [...process.execArgv, script, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  let stdout = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  await ending(child)
  return { stdout, seconds: (performance.now() - began) / 1000 }
}

function isKeeping(): boolean {
  return chosen.length === 0 || options.includes('--keep')
}

/** Of the run that was kept last. */
async function machine(): Promise<string> {
  const rows = [
    ['processors', `${availableParallelism()} of ${cpus()[0]?.model.trim()}`],
    ['memory', `${(totalmem() / 2 ** 30).toFixed(0)} GiB`],
    ['system', `${process.platform} ${execFileSync('uname', ['-r'], { encoding: 'utf8' }).trim().split('-')[0]}, ${process.arch}`],
    ['kpipe', (await kpipe(['--version'])).stdout.trim()],
    ['etcd', (await getEtcd({ version: '3.6', log: console.error })).version],
  ]
  return table(['', 'measured on'], rows)
}
