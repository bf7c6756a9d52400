import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm, stat } from 'node:fs/promises'

/** A file that is larger was not written by kpipe. */
const maxPreviousBytes = 1_000_000

/** Replaces the file at once, readable by everybody: node-exporter runs as another user. @throws the file system's errors */
export async function writeTextfile(file: string, textAfter: (previous: string) => string): Promise<void> {
  const text = textAfter(await readPrevious(file))
  // The collector reads *.prom only, so that it never sees the draft.
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    const handle = await open(draft, 'wx', 0o644)
    try {
      await handle.chmod(0o644) // whatever the umask
      await handle.writeFile(text)
      // Without it a loss of power may leave an empty file under the name.
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => undefined)
    throw error
  }
}

/** What cannot be read is replaced all the same; only the last success is forgotten then. */
async function readPrevious(file: string): Promise<string> {
  try {
    const { size } = await stat(file)
    return size > maxPreviousBytes ? '' : await readFile(file, 'utf8')
  } catch {
    return ''
  }
}
