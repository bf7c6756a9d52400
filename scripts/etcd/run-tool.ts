import { ownChild } from '../children.ts'

const timeLimitMs = 15 * 60_000
const keptOutput = 64 * 1024

/**
 * Runs a program and returns what it wrote on standard output.
 * @throws Error in one sentence: not found, or how it ended and the last line that it wrote
 */
export async function runTool(
  command: string,
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<string> {
  const child = ownChild(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let both = ''
  const keep = (text: string) => (both = (both + text).slice(-keptOutput))
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    keep(text)
  })
  child.stderr!.setEncoding('utf8').on('data', keep)

  const timer = setTimeout(() => child.kill('SIGKILL'), timeLimitMs)
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(new Error(error.code === 'ENOENT' ? `${command} was not found` : `${command}: ${error.message}`)),
      )
      child.once('close', (code, signal) => {
        if (code === 0) return resolve()
        const last = both.trim().split('\n').at(-1) ?? ''
        reject(new Error(`${command} ${args[0] ?? ''} ended with ${signal ?? `code ${code}`}${last && `: ${last}`}`))
      })
    })
  } finally {
    clearTimeout(timer)
  }
  return stdout
}
