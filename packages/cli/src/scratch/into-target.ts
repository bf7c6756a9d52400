import { open } from 'node:fs/promises'
import { useStage } from '@kpipe/engine'
import type { StageLoader } from '@kpipe/engine'
import type { Facts, TargetContext, TargetStage } from '@kpipe/engine/contracts'
import type { RestoreTarget } from '../restore/restore-target.ts'
import { failing } from './failing.ts'

const pieceBytes = 1 << 20

export interface IntoTarget {
  readonly file: string
  readonly to: Pick<RestoreTarget, 'use' | 'settings'>
  readonly facts: Facts
  readonly stages: StageLoader
  readonly signal: AbortSignal
  onRemark(message: string): void
}

/** Gives a file that is written to where a snapshot is to go; resolves with what the target says of what it made. @throws what the target throws */
export async function intoTarget({ file, to, facts, stages, signal, onRemark }: IntoTarget): Promise<Facts> {
  const { stage, settings } = await useStage(stages, 'target', to.use, to.settings, process.cwd())
  const handle = await failing(file, () => open(file))
  try {
    const { size } = await handle.stat()
    let made: Facts = {}
    const context: TargetContext = { signal, bytes: size, facts, warn: onRemark, made: (said) => void (made = said) }
    const target = await (stage as TargetStage).open(settings as never, context)
    try {
      const piece = new Uint8Array(pieceBytes)
      for (let at = 0; at < size;) {
        signal.throwIfAborted()
        const { bytesRead } = await failing(file, () => handle.read(piece, 0, pieceBytes, at))
        if (bytesRead === 0) break
        await target.write(at, piece.subarray(0, bytesRead))
        at += bytesRead
      }
      await target.commit()
    } catch (error) {
      await target.abort().catch(() => undefined) // What went wrong first is what counts.
      throw error
    }
    return made
  } finally {
    await handle.close()
  }
}
