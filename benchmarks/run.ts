import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { bundle } from '../scripts/build/bundle.ts'
import { getEtcd } from '../scripts/etcd/get-etcd.ts'
import { runChild } from './measure/child.ts'
import { kpipe } from './measure/kpipe.ts'
import { table } from './measure/table.ts'

/** Runs every benchmark in a process of its own and keeps what they print in RESULTS.md; with names as arguments, only those, and keeps nothing. */
const all = ['data', 'stages', 'process', 'clone', 'growth', 'age', 'chunking', 'bolt', 'live', 'connection']
const chosen = process.argv.slice(2)
const unknown = chosen.find((name) => !all.includes(name))
if (unknown !== undefined) {
  console.error(`there is no benchmark ${unknown}; there are ${all.join(', ')}`)
  process.exit(64)
}

// What people install is the bundle; `clone` is the same benchmark on the sources.
const release = join(import.meta.dirname, '../.cache/bench/release')
await bundle(release)

const parts = [`# What was measured\n\nPrinted by \`npm run bench\` on ${new Date().toISOString().slice(0, 10)}.\n\n${await machine()}`]
for (const name of chosen.length > 0 ? chosen : all) {
  const load = loadavg()[0]!.toFixed(1)
  const args = [...process.execArgv, join(import.meta.dirname, `${name === 'clone' ? 'process' : name}.ts`)]
  const env = name === 'clone' ? process.env : { ...process.env, KPIPE_BENCH_RELEASE: release }
  const { stdout, seconds } = await runChild(process.execPath, args, env)
  console.log(stdout)
  console.error(`${name}: ${seconds.toFixed(0)} s`)
  parts.push(`${stdout.trim()}\n\n(Load of the machine when this began: ${load}.)`)
}
// What `npm run torture -- --results benchmarks/torture.md` kept, with its own date.
parts.push(readFileSync(join(import.meta.dirname, 'torture.md'), 'utf8').trim())
if (chosen.length === 0) writeFileSync(join(import.meta.dirname, 'RESULTS.md'), `${parts.join('\n\n')}\n`)

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
