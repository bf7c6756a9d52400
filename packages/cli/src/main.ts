import { KpipeError } from '@kpipe/engine/contracts'
import { asksForJson, rewriteTo } from './argv.ts'
import { commandTable } from './command-table.ts'
import { describeFailure, withHint } from './failure.ts'
import { commandHelp, overview } from './help.ts'
import { leaveFailed } from './leave-failed.ts'
import { nearestName } from './nearest-name.ts'
import { abortOnSignals } from './signals.ts'
import { openTerminal } from './terminal.ts'
import { threads } from './threads.ts'
import type { Terminal, Verbosity } from './terminal.ts'

/** `kpipe snapshots | head` is no fault; whoever needs to know that nobody reads any more looks at its own writes. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

let terminal: Terminal = openTerminal({ json: asksForJson(process.argv), verbosity: 0 })
process.on('uncaughtException', (error) => leaveFailed(report(error)))
// Nothing may keep a finished command alive: neither an idle worker nor a connection that is not closed yet.
process.exit(await main(rewriteTo(process.argv.slice(2))).catch((error: unknown) => leaveFailed(report(error))))

async function main([name, ...words]: readonly string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h') return show(overview(), name === undefined ? 64 : 0)
  if (name === 'help') return words[0] === undefined ? show(overview(), 0) : help(words[0])
  const { load, usesThreads } = await find(name)
  if (asksForHelp(words)) return help(name)
  // Only started here: a command that waits for them hears of their faults.
  if (usesThreads) void (await threads())
  const { parseArguments } = await import('./parse.ts')
  const command = await load()
  const { flags, args, verbose } = await parseArguments(name, command, words)
  const verbosity = flags['quiet'] === true ? -1 : (Math.min(verbose, 2) as Verbosity)
  terminal = openTerminal({ json: flags['json'] === true, verbosity, outputTaken: flags['to'] === '-' })
  const signal = abortOnSignals((text) => terminal.say(text))
  const stopped = () => (signal.aborted ? signal.reason : undefined)
  return command.run({ flags, args, terminal, signal }).catch((error) => {
    throw stopped() ?? error
  })
}

async function find(name: string) {
  const entry = Object.hasOwn(commandTable, name) ? commandTable[name] : undefined
  if (entry !== undefined) return entry
  const meant = await nearestName(name, Object.keys(commandTable))
  const hint = `${meant === undefined ? '' : `Did you mean \`kpipe ${meant}\`? `}See \`kpipe help\`.`
  const what = name.startsWith('-') ? `a command comes first, not ${name}` : `there is no command ${name}`
  throw withHint(new KpipeError('KPIPE_USAGE', what), hint)
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return (end === -1 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h')
}

async function help(name: string): Promise<number> {
  return show(await commandHelp(name, await (await find(name)).load()), 0)
}

function show(text: string, exitCode: number): number {
  const stream = exitCode === 0 ? process.stdout : process.stderr
  stream.write(text)
  return exitCode
}

function report(error: unknown): number {
  const failure = describeFailure(error)
  terminal.fail(failure)
  return failure.exitCode
}
