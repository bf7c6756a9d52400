import { KpipeError } from '@kpipe/engine/contracts'

/** Runs `work` on the file system. @throws KpipeError KPIPE_TARGET_FAILED in place of the system's errors */
export async function failing<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    const { code, syscall, message } = cause as NodeJS.ErrnoException
    if (syscall === undefined) throw cause
    throw new KpipeError(
      'KPIPE_TARGET_FAILED',
      `${path} cannot be used: ${code === 'ENOSPC' ? 'no space left' : message}`,
      { path },
      { cause },
    )
  }
}
