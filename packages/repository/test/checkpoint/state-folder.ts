import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for what a host remembers, as long as the test runs. */
export function stateFolderFor(t: { after(done: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'kpipe-checkpoint-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
