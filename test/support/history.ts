import { cpSync, rmSync } from 'node:fs'
import type { Test } from 'tap'
import type { KpipeOptions } from './kpipe.ts'
import { lastLine, place, type Place } from './place.ts'

/** A place whose `input` was backed up, and which can go back to what its repository was. */
export interface Historian extends Place {
  /** Keeps the repository as it is now under a name. */
  keep(name: string): void
  /** Puts a repository that was kept in its place. */
  show(name: string): void
  /** Runs a command that must end with 0; its last JSON line. */
  json(args: readonly string[], options?: KpipeOptions): Promise<Record<string, unknown>>
}

export async function historian(t: Test): Promise<Historian> {
  const at = await place(t, '{ use: file, with: { path: ./input } }')
  const copy = (from: string, to: string) => {
    rmSync(to, { recursive: true, force: true })
    cpSync(from, to, { recursive: true })
  }
  return {
    ...at,
    keep: (name) => copy(at.at('repository'), at.at(`kept-${name}`)),
    show: (name) => copy(at.at(`kept-${name}`), at.at('repository')),
    async json(args, options) {
      const ended = await at.kpipe([...args, '--json'], options)
      if (ended.code !== 0) throw new Error(`kpipe ${args.join(' ')} ended with ${ended.code}: ${ended.stdout}${ended.stderr}`)
      return lastLine(ended)
    },
  }
}
