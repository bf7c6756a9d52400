import { spawn } from 'node:child_process'
import { basename, join } from 'node:path'
import { ownChild } from '../children.ts'

const kpipe = join(import.meta.dirname, '../../node_modules/.bin/kpipe')

type Environment = Readonly<Record<string, string | undefined>>

/** What a visitor sees: words of the tour, and commands, each before its output. */
export interface Shell {
  /** Where the next command runs. */
  folder: string
  readonly env: Record<string, string | undefined>
  say(text: string): void
  /** Shows a command that the tour itself carries out. */
  show(...words: readonly string[]): void
  /** Shows a command and runs it to its end. @throws Error when it ends with anything but 0 */
  run(...words: readonly [program: string, ...args: string[]]): Promise<void>
}

/** A shell that knows `kpipe`, as it is installed in the clone. Programs get their output through to the terminal. */
export function openShell(folder: string, env: Environment): Shell {
  const shell: Shell = {
    folder,
    env: { ...env },
    say: (text) => console.log(`\n# ${text.replaceAll('\n', '\n# ')}`),
    show: (...words) => console.log(`$ ${words.map(quoted).join(' ')}`),
    async run(...words) {
      const [program, ...args] = words
      shell.show(program.includes('/') ? basename(program) : program, ...args)
      const file = program === 'kpipe' ? kpipe : program
      await ending(program, ownChild(file, args, { cwd: shell.folder, env: shell.env, stdio: ['ignore', 'inherit', 'inherit'] }))
    },
  }
  return shell
}

function ending(program: string, child: ReturnType<typeof spawn>): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${basename(program)} ended with ${signal ?? `code ${code}`}`))
    })
  })
}

const quoted = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)
