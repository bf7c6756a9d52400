import { randomBytes } from 'node:crypto'
import { link, mkdir, open, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'

/**
 * Writes a recovery phrase, mode 0600, whole or not at all, and durably, because afterwards a repository relies on it.
 * @throws KpipeError KPIPE_TARGET_EXISTS, KPIPE_TARGET_FAILED
 */
export async function createPhraseFile(file: string, phrase: string): Promise<void> {
  const folder = dirname(file)
  const unfinished = `${file}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await writeDurably(unfinished, `${phrase}\n`)
    try {
      await link(unfinished, file)
    } finally {
      await unlink(unfinished)
    }
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
  }
}

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
