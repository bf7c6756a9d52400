// Preloaded into kpipe by tests: notes the peak of its resident memory when it ends, in the words of the kernel.
import { readFileSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  const note = () => writeFileSync(process.env.KPIPE_TEST_PEAK, readFileSync('/proc/self/status'))
  process.on('exit', note)
  // After a failure another program may take the place of this one.
  const { execve } = process
  process.execve = (...words) => {
    note()
    execve(...words)
  }
}
