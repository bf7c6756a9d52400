import { appendFileSync, readFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

// Loaded into a measured process: leaves its peak resident memory, in KiB, where KPIPE_BENCH_PEAK says.
// The kernel's own high-water mark counts from exec on; what getrusage tells begins with the parent's.
const file = process.env['KPIPE_BENCH_PEAK']
if (isMainThread && file !== undefined) {
  process.on('exit', () => {
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))
    appendFileSync(file, `${peak?.[1]}\n`)
  })
}
