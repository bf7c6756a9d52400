import { asksForJson, rewriteTo } from './argv.ts'
import { commandNamed } from './command-name.ts'
import { commandTable } from './command-table.ts'
import { describeFailure } from './failure.ts'
import { commandHelp, overview } from './help.ts'
import { leaveFailed } from './leave-failed.ts'
import { abortOnSignals } from './signals.ts'
import { openTerminal } from './terminal.ts'
import { tuneForShortRun } from './short-run.ts'
import { threads } from './threads.ts'
import { allSettled } from './where/opened.ts'
import type { Terminal, Verbosity } from './terminal.ts'

/** `kpipe snapshots | head` is no fault; whoever needs to know that nobody reads any more looks at its own writes. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

let terminal: Terminal = openTerminal({ json: asksForJson(process.argv), verbosity: 0 })
process.on('uncaughtException', (error) => leaveFailed(report(error)))
const ended = await main(rewriteTo(process.argv.slice(2))).then(
  (exitCode) => ({ exitCode, failed: false }),
  (error: unknown) => ({ exitCode: report(error), failed: true }),
)
// Who reads a pipe slowly gets all of it all the same.
await new Promise<void>((written) => process.stdout.write('', () => written()))
// Nothing may keep a finished command alive: neither an idle worker nor a connection that is not closed yet.
if (ended.failed) leaveFailed(ended.exitCode)
process.exit(ended.exitCode)

async function main(argv: readonly string[]): Promise<number> {
  const [first] = argv
  if (first === undefined || first === '--help' || first === '-h') return show(overview(), first === undefined ? 64 : 0)
  if (first === 'help') return argv[1] === undefined ? show(overview(), 0) : help((await commandNamed(argv.slice(1))).name)
  const { name, rest: words } = await commandNamed(argv)
  if (asksForHelp(words)) return help(name)
  const { load, usesThreads } = commandTable[name]
  // Only started here: a command that waits for them hears of their faults.
  const started = usesThreads && (await threads(usesThreads))
  // A backup sees to it when its threads have its stages.
  if (!started) tuneForShortRun()
  else if (name !== 'run') void started.prepare([]).then(tuneForShortRun)
  const { parseArguments } = await import('./parse.ts')
  const command = await load()
  const { flags, args, verbose } = await parseArguments(name, command, words)
  const verbosity = flags['quiet'] === true ? -1 : (Math.min(verbose, 2) as Verbosity)
  terminal = openTerminal({ json: flags['json'] === true, verbosity, outputTaken: flags['to'] === '-' })
  const signal = abortOnSignals((text) => terminal.say(text))
  const stopped = () => (signal.aborted ? signal.reason : undefined)
  return command
    .run({ flags, args, terminal, signal })
    .finally(() => (signal.aborted ? undefined : allSettled()))
    .catch((error) => {
      throw stopped() ?? error
    })
}

function asksForHelp(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return (end === -1 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h')
}

async function help(name: string): Promise<number> {
  return show(await commandHelp(name, await commandTable[name].load()), 0)
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
