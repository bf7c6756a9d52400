// Preloaded into kpipe by tests: a umask that holds nothing back, so that modes are those that kpipe asks for, and a note of the words
// that everybody on the host can read of this process.
import { appendFileSync, readFileSync } from 'node:fs'
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  process.umask(0)
  const note = () => appendFileSync(process.env.KPIPE_TEST_WORDS, readFileSync('/proc/self/cmdline'))
  note()
  process.on('exit', note)
}
