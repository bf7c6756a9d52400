import { randomBytes } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { editorSchemaTitle } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'

/** Writes the schema; a file of its name is only replaced when it is one, too. @throws KpipeError KPIPE_TARGET_EXISTS, KPIPE_TARGET_FAILED */
export async function replaceSchema(file: string, text: string): Promise<void> {
  const there = await readFile(file, 'utf8').catch(() => undefined)
  if (there !== undefined && !isSchema(there))
    throw new KpipeError('KPIPE_TARGET_EXISTS', `${file} exists and is no schema of kpipe`, { file })
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  try {
    await writeFile(draft, text, { flag: 'wx' })
    await rename(draft, file)
  } catch (cause) {
    await rm(draft, { force: true }).catch(() => undefined)
    const seen = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new KpipeError('KPIPE_TARGET_FAILED', `the schema could not be written to ${file}: ${seen}`, { file }, { cause })
  }
}

function isSchema(text: string): boolean {
  try {
    return (JSON.parse(text) as { title?: unknown } | null)?.title === editorSchemaTitle
  } catch {
    return false // no JSON
  }
}
