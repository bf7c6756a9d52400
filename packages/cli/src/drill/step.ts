import { BoltError } from '@kpipe/bolt'
import { KpipeError } from '@kpipe/engine/contracts'

export type StepName = 'restore' | 'attachments' | 'walk' | 'status' | 'hash_kv' | 'boot' | 'server'

/** One step of a drill, as it is told. */
export interface Step {
  readonly step: StepName
  readonly result: 'ok' | 'not done' | 'failed'
  readonly seconds: number
  /** What was found, or why it was not done, or what is wrong. */
  readonly note: string
  readonly figures: Readonly<Record<string, string | number | boolean | null>>
}

export interface Found {
  readonly note: string
  readonly figures?: Step['figures']
}

/** The snapshot is not what it was said to be. */
export class Mismatch extends Error {}

/** Something outside of the snapshot that keeps a step from being done. */
export class NotDone extends Error {}

/**
 * Runs one step. What proves the snapshot wrong makes it `failed`; any other error is nobody's proof and is thrown on.
 * @throws whatever `work` throws that says nothing of the snapshot
 */
export async function runStep(step: StepName, work: () => Promise<Found>): Promise<{ readonly step: Step; readonly proof?: Error }> {
  const began = performance.now()
  const ended = (result: Step['result'], { note, figures = {} }: Found): Step => ({
    step,
    result,
    seconds: Math.round(performance.now() - began) / 1000,
    note,
    figures,
  })
  try {
    return { step: ended('ok', await work()) }
  } catch (error) {
    if (error instanceof NotDone) return { step: ended('not done', { note: error.message }) }
    if (isProof(error)) return { step: ended('failed', { note: error.message }), proof: error }
    throw error
  }
}

function isProof(error: unknown): error is Error {
  return error instanceof Mismatch || error instanceof BoltError || (error instanceof KpipeError && error.exitCode === 65)
}
