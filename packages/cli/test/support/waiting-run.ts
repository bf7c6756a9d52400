import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { startKpipe } from './kpipe.ts'
import type { Options } from './kpipe.ts'
import { sampleSnapshot } from './workplace.ts'
import type { Workplace } from './workplace.ts'

const pipeline = `
name: waiting
source: { use: file, with: { path: '-' } }
store: { use: store-fs, with: { path: repository } }
key: { file: repository.key }
`

/** A backup in the middle of its stream: its source has sent something and sends nothing more. */
export async function waitingRun(place: Workplace, options: Partial<Options> = {}): Promise<ReturnType<typeof startKpipe>> {
  writeFileSync(place.at('waiting.yaml'), pipeline)
  const started = startKpipe(['run', 'waiting.yaml', '--json'], { cwd: place.folder, openInput: readFileSync(sampleSnapshot), ...options })
  const { stdout } = started.child
  if (stdout === null) throw new Error('standard output is not a pipe')
  const ended = started.ended.then(({ code, stdout: seen, stderr }) => {
    throw new Error(`it ended before it was stopped, with ${code}: ${seen}${stderr}`)
  })
  await Promise.race([once(stdout, 'data'), ended])
  ended.catch(() => undefined)
  return started
}
