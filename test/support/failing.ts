import type { Test } from 'tap'
import type { KpipeErrorCode } from '@kpipe/engine/contracts'
import { exitCodes } from '../../packages/engine/src/contracts/errors.ts'
import type { KpipeOptions } from './kpipe.ts'
import type { Place } from './place.ts'

export interface Expected {
  readonly code: KpipeErrorCode
  /** What failed, on what, what was seen: all of it stands in the message. */
  readonly says: readonly (RegExp | string)[]
  /** What to do next. */
  readonly hint: RegExp
}

/** A command that fails: with its exit code, a message, a hint, no stack trace, and nothing left behind. */
export async function fails(t: Test, place: Place, args: readonly string[], expected: Expected, options: KpipeOptions = {}): Promise<void> {
  const before = await place.traces()
  told(t, await place.kpipe(args, options), expected)
  t.same(await place.traces(), before, 'nothing is left behind')
}

/** The exit code, message and hint of a command that has ended. */
export function told(t: Test, ended: { readonly code: number | null; readonly stderr: string }, { code, says, hint }: Expected): void {
  t.equal(ended.code, exitCodes[code], `exit code of ${code}: ${ended.stderr}`)
  const from = `\n${ended.stderr}`.lastIndexOf('\nkpipe: ')
  const lines = ended.stderr.slice(from).trimEnd().split('\n')
  const message = lines.slice(0, -1).join('\n')
  t.match(message, /^kpipe: (?!warning|internal)/)
  for (const words of says)
    t.ok(typeof words === 'string' ? message.includes(words) : words.test(message), `${String(words)} in ${message}`)
  t.match(lines.at(-1), hint, 'the last line is the hint')
  t.notMatch(ended.stderr, /\n\s+at .*:\d+/, 'no stack trace')
}
