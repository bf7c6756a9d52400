// Preloaded into kpipe by tests: a file system without hard links, such as exFAT, SMB and some of FUSE. Notes each refusal in a file.
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import process from 'node:process'

fs.promises.link = async (from, to) => {
  fs.appendFileSync(process.env.KPIPE_TEST_FAULT_NOTES, `${to}\n`)
  throw Object.assign(new Error(`EPERM: operation not permitted, link '${from}'`), { code: 'EPERM', errno: -1, syscall: 'link' })
}
syncBuiltinESMExports()
