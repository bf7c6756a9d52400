import type { PipelineShape } from './shape.ts'

/** When commands run, in the order of a run. */
export const hookTimes = ['before', 'after', 'failed', 'finally'] as const
export type HookTime = (typeof hookTimes)[number]

/** A command beside a backup. */
export interface Hook {
  /** A line for the shell, or a program with its arguments. */
  readonly run: string | readonly string[]
  readonly onFailure: 'error' | 'warn' | 'ignore'
  readonly timeoutMs: number
}

export type Hooks = Readonly<Record<HookTime, readonly Hook[]>>

const defaultTimeoutMs = 600_000

/** @param durationAt milliseconds of what stands at a path, undefined when there is nothing of use */
export function readHooks(hooks: PipelineShape['hooks'], durationAt: (path: readonly (string | number)[]) => number | undefined): Hooks {
  const read = (when: HookTime): Hook[] => {
    const written = hooks?.[when] ?? []
    const isList = Array.isArray(written)
    return [written].flat().map(({ run, onFailure = 'error' }, index) => ({
      run,
      onFailure,
      timeoutMs: durationAt(['hooks', when, ...(isList ? [index] : []), 'timeout']) ?? defaultTimeoutMs,
    }))
  }
  return { before: read('before'), after: read('after'), failed: read('failed'), finally: read('finally') }
}
