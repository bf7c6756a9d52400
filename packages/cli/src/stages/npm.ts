import { spawn } from 'node:child_process'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'

export interface NpmOptions {
  /** The project that npm works on, whatever is around it. */
  readonly folder: string
  readonly signal: AbortSignal
}

/** No script of a package runs, and nothing is looked for or told that was not asked for. */
const always = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error', '--workspaces=false']

/** Runs npm and resolves with its standard output. @throws KpipeError KPIPE_STAGE_MISSING with npm's own reason */
export async function npm(words: readonly string[], { folder, signal }: NpmOptions): Promise<string> {
  const child = spawn('npm', [...words, ...always, `--prefix=${folder}`], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], signal })
  let [output, complaint] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text))
  const code = await new Promise<number | null>((ended, fail) => {
    child.once('error', fail)
    child.once('close', ended)
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw withHint(
      new KpipeError('KPIPE_STAGE_MISSING', 'there is no npm, which manages packages of stages'),
      'Install npm, or put the files of the stage beside the pipeline file and name them there.',
    )
  })
  if (code === 0) return output
  const failure = new KpipeError('KPIPE_STAGE_MISSING', `npm ${words[0]} failed: ${reasonIn(complaint)}`, { folder })
  throw withHint(failure, 'Check the name, and whether the registry can be reached; `kpipe stages build` makes packages that need none.')
}

/** The first line that says something; npm tells the code first, and then it tells more than anybody wants to know. */
function reasonIn(complaint: string): string {
  const lines = complaint.split('\n').map((line) => line.replace(/^npm (error|ERR!) ?/, '').trim())
  const said = lines.find((line) => line !== '' && !/^(code|errno|syscall|path) /.test(line))
  return said?.replace(/^[a-z0-9]+ (?=[A-Z])/, '') ?? 'it gave no reason'
}
