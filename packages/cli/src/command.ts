import type { Interfaces } from '@oclif/core'
import type { Terminal } from './terminal.ts'

/** Parsed flags or arguments, by name. */
export type Values = Record<string, unknown>

/** What a command has when it runs. */
export interface Invocation<Flags, Args> {
  readonly flags: Flags
  readonly args: Args
  readonly terminal: Terminal
  /** Aborted by Ctrl-C and its like. */
  readonly signal: AbortSignal
}

/** One command, as data: its words for the help, its arguments, and what it does. */
export interface Command {
  readonly summary: string
  readonly description: string
  readonly examples: readonly string[]
  readonly flags: Interfaces.FlagInput
  readonly args: Interfaces.ArgInput
  /** Resolves with the exit code. */
  run(invocation: Invocation<Values, Values>): Promise<number>
}

/** Ties the types of a command's flags and arguments to what its `run` gets. */
export function command<Flags extends Values, Args extends Values>(
  definition: Omit<Command, 'flags' | 'args' | 'run'> & {
    readonly flags: Interfaces.FlagInput<Flags>
    readonly args: Interfaces.ArgInput<Args>
    run(invocation: Invocation<Flags, Args>): Promise<number>
  },
): Command {
  return definition as unknown as Command
}

/** oclif wants each definition of a flag or an argument to know its own name. */
export function named<Definition extends object>(definitions: Record<string, Definition>): Record<string, Definition & { name: string }> {
  return Object.fromEntries(Object.entries(definitions).map(([name, definition]) => [name, { ...definition, name }]))
}
