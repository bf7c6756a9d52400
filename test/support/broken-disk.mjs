// Preloaded into kpipe by tests: what happens to the files whose path matches KPIPE_TEST_FAULT_ON, from the n-th that is
// opened. Notes each time in a file, so that the test knows that its fault was met. KPIPE_TEST_FAULT is ENOSPC, which writes
// end with, or a named pipe that nobody writes to: opening it hangs in the kernel, as on a disk that is gone.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { isMainThread } from 'node:worker_threads'

const { KPIPE_TEST_FAULT: fault, KPIPE_TEST_FAULT_ON: on, KPIPE_TEST_FAULT_FROM: from, KPIPE_TEST_FAULT_NOTES: notes } = process.env
let opened = 0

if (isMainThread && fault !== undefined) {
  const { open } = fs.promises
  fs.promises.open = async (path, ...rest) => {
    if (!new RegExp(on).test(String(path)) || ++opened < Number(from)) return open(path, ...rest)
    fs.appendFileSync(notes, `${fault}\n`)
    if (fault.startsWith('/')) return open(fault, 'r')
    await (await open(path, ...rest)).close()
    // Other threads write to it too, by its number.
    return open('/dev/full', 'r+')
  }
  syncBuiltinESMExports()
}
