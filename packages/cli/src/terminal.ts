import { styleText } from 'node:util'
import type { Failure } from './failure.ts'
import { visible } from './output/visible.ts'

/** -1 quiet, 0 normal, 1 with -v, 2 with -vv. */
export type Verbosity = -1 | 0 | 1 | 2

/** Where a command speaks: data on standard output, everything else on standard error. Whatever it is given, no terminal acts on it. */
export interface Terminal {
  readonly json: boolean
  readonly verbosity: Verbosity
  /** True when someone can be asked something. */
  readonly canAsk: boolean
  /** True when someone reads along. */
  readonly isSeen: boolean
  /** True when data goes to a terminal. */
  readonly outputIsSeen: boolean
  /** True when a bar can be drawn. */
  readonly drawsBars: boolean
  /** Data. */
  write(text: string): void
  /** A JSON line of what is going on. */
  line(value: Readonly<Record<string, unknown>>): void
  /** Something for a person to read; nothing with -q. */
  say(text: string): void
  /** Something that a person must read: shown with -q and --json too. */
  tell(text: string): void
  /** Something for a person to read with -v. */
  explain(text: string): void
  /** Something that the user should know; shown with -q too. */
  warn(text: string): void
  fail(failure: Failure): void
}

export interface TerminalOptions {
  readonly json: boolean
  readonly verbosity: Verbosity
  /** True when standard output carries restored bytes: JSON lines go to standard error then. */
  readonly outputTaken?: boolean
}

export function openTerminal({ json, verbosity, outputTaken }: TerminalOptions): Terminal {
  const lines = outputTaken ? process.stderr : process.stdout
  return {
    json,
    verbosity,
    canAsk: Boolean(process.stdin.isTTY && process.stderr.isTTY),
    isSeen: Boolean(process.stderr.isTTY),
    outputIsSeen: Boolean(process.stdout.isTTY),
    drawsBars: Boolean(process.stderr.isTTY) && !json && verbosity >= 0 && process.env['TERM'] !== 'dumb',
    write: (text) => void process.stdout.write(visible(text)),
    line: (value) => void lines.write(visible(`${JSON.stringify(value)}\n`)),
    say: (text) => void (verbosity >= 0 && !json && error(text)),
    tell: error,
    explain: (text) => void (verbosity >= 1 && error(text)),
    warn: (text) => error(`kpipe: ${paint('yellow', 'warning')}: ${text}`),
    fail(failure) {
      const { code, exitCode, message, hint, stack } = failure
      if (json) lines.write(visible(`${JSON.stringify({ message_type: 'error', code, exit_code: exitCode, message, hint })}\n`))
      else error(`${paint('red', 'kpipe')}: ${message}\n${paint('dim', hint)}`)
      if (verbosity >= 2 && stack !== undefined) error(stack)
    },
  }
}

/** Colour on standard error, when it is a terminal and NO_COLOR is unset. */
export function paint(colour: 'red' | 'yellow' | 'green' | 'dim' | 'bold', text: string): string {
  return styleText(colour, text, { stream: process.stderr })
}

/** Something that stands on the last line of standard error, and makes room for others. */
export interface Drawing {
  hide(): void
  show(): void
}

let drawing: Drawing | undefined

/** Lines on standard error go above `what` from now on, until it is called with undefined. */
export function drawBelow(what: Drawing | undefined): void {
  drawing = what
}

function error(text: string): void {
  drawing?.hide()
  process.stderr.write(visible(`${text}\n`))
  drawing?.show()
}
