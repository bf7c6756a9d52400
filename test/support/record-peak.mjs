// Preloaded into kpipe by tests: notes the peak of its resident memory when it ends, in the words of the kernel.
import { readFileSync, writeFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) process.on('exit', () => writeFileSync(process.env.KPIPE_TEST_PEAK, readFileSync('/proc/self/status')))
