import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'tap'

/** A new folder that is gone when the file's tests are done. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-test-'))
  after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
