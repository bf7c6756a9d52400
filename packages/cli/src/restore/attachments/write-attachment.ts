import { chmod, chown, utimes } from 'node:fs/promises'
import { getSystemErrorMessage } from 'node:util'
import { runRestore } from '../run-restore.ts'
import type { RestoreRun } from '../run-restore.ts'
import type { Attachment } from './attachments-of.ts'

/**
 * Writes one attachment to a file that must not exist, or to standard output (`-`); it shows under its name when all of it is checked. Then
 * it gets the permissions and the time of the one that was stored, and for root its owner. Resolves with what it could not be given.
 */
export async function writeAttachment(run: Omit<RestoreRun, 'to' | 'stream'>, attachment: Attachment, path: string): Promise<string[]> {
  await runRestore({ ...run, to: { use: 'file', settings: { path } }, stream: attachment.name })
  if (path === '-') return []
  const { mode, uid, gid, mtime } = attachment
  const remarks: string[] = []
  const give = async (what: string, work: Promise<void>): Promise<void> => {
    await work.catch(({ errno, code, message }: NodeJS.ErrnoException) => {
      remarks.push(`${path} did not get its ${what}: ${errno === undefined ? message : `${getSystemErrorMessage(errno)} (${code})`}`)
    })
  }
  // Before the permissions: a change of the owner takes some away.
  if (process.getuid?.() === 0 && uid !== undefined && gid !== undefined) await give('owner', chown(path, uid, gid))
  // Not those that lend rights to whoever runs it.
  if (mode !== undefined) await give('permissions', chmod(path, mode & 0o777))
  if (mtime !== undefined) await give('time', utimes(path, new Date(), new Date(mtime)))
  return remarks
}
