import { KpipeError } from '@kpipe/engine/contracts'
import type { Snapshot } from '@kpipe/repository'

/** Runs `work`; a proof that bytes are wrong then names the snapshot that needs them. */
export async function naming<Result>(snapshot: Snapshot, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof KpipeError) || error.exitCode !== 65 || error.message.includes(snapshot.shortId)) throw error
    const message = `snapshot ${snapshot.shortId} of ${snapshot.name} cannot be read: ${error.message}`
    throw new KpipeError(error.code, message, { ...error.details, snapshot: snapshot.id }, { cause: error })
  }
}
