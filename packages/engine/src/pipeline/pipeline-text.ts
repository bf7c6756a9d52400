import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { getSystemErrorMessage } from 'node:util'
import { KpipeError } from '../contracts/index.ts'
import { pipelineInvalid } from './problem.ts'

/** @throws KpipeError KPIPE_PIPELINE_MISSING; KPIPE_PIPELINE_INVALID when it is not UTF-8 */
export async function readPipelineText(file: string, what = 'pipeline file'): Promise<string> {
  const bytes = await readFile(file).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.errno === undefined ? cause.message : `${getSystemErrorMessage(cause.errno)} (${cause.code})`
    throw new KpipeError('KPIPE_PIPELINE_MISSING', `${what} ${file} cannot be read: ${reason}`, { file }, { cause })
  })
  if (!isUtf8(bytes)) throw pipelineInvalid(file, '', [{ start: 0, end: 0, message: 'the file is not UTF-8 text' }])
  // A byte order mark is no part of the text.
  return bytes.toString('utf8').replace(/^\uFEFF/, '')
}
