import type { Terminal } from '../terminal.ts'
import { jsonLines } from './json-lines.ts'
import { plainLines } from './plain-lines.ts'

/** Tells how far a stream has come. */
export interface Progress {
  /** `totalBytes` is undefined while nobody knows. */
  update(bytes: number, totalBytes: number | undefined): void
  /** Leaves the terminal as it was. */
  stop(): void
}

const silent: Progress = { update: () => undefined, stop: () => undefined }

/** A bar on a terminal, JSON lines for programs, plain lines elsewhere; nothing with -q. `verb` is such as `reading`. */
export async function openProgress(terminal: Terminal, verb: string): Promise<Progress> {
  if (terminal.json) return jsonLines((value) => terminal.line(value))
  if (terminal.verbosity < 0) return silent
  return terminal.drawsBars ? (await import('./bar.ts')).bar(verb) : plainLines(verb, (text) => terminal.say(text))
}
