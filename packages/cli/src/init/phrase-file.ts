import { randomBytes } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'

/**
 * Writes a recovery phrase, mode 0600, whole or not at all, and durably, because afterwards a repository relies on it.
 * @throws KpipeError KPIPE_TARGET_EXISTS, KPIPE_TARGET_FAILED
 */
export async function createPhraseFile(file: string, phrase: string): Promise<void> {
  const folder = dirname(file)
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeDurably(draft, `${phrase}\n`)
    await link(draft, file).catch((error: NodeJS.ErrnoException) => {
      if (!withoutLinks.includes(error.code ?? '')) throw error
      return writeDurably(file, `${phrase}\n`)
    })
    await sync(folder)
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'EEXIST') throw new KpipeError('KPIPE_TARGET_EXISTS', `${file} exists already`, { file }, { cause })
    throw new KpipeError(
      'KPIPE_TARGET_FAILED',
      `the recovery phrase could not be written to ${file}: ${code ?? String(cause)}`,
      { file },
      { cause },
    )
  } finally {
    await rm(draft, { force: true })
  }
}

/** What file systems say that know no hard links, as on memory sticks, where phrases are often kept. */
const withoutLinks = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']

async function writeDurably(file: string, text: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function sync(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
