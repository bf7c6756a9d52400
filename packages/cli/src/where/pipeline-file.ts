import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { KpipeError } from '@kpipe/engine/contracts'
import { configFolder } from './user-folders.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The pipeline file to use, as an absolute path: the one that is named, else KPIPE_CONFIG, else backup.yaml or
 * kpipe.yaml here, else backup.yaml in the user's configuration folder.
 * @throws KpipeError KPIPE_PIPELINE_MISSING
 */
export function findPipelineFile(named: string | undefined, env: Environment): string {
  const chosen = named ?? (env['KPIPE_CONFIG'] || undefined)
  if (chosen !== undefined) return existing(resolve(chosen), named === undefined ? ', which KPIPE_CONFIG names' : '')
  const places = [resolve('backup.yaml'), resolve('kpipe.yaml'), join(configFolder(env), 'backup.yaml')]
  const found = places.find((place) => existsSync(place))
  if (found === undefined) {
    throw new KpipeError('KPIPE_PIPELINE_MISSING', `there is no pipeline file: looked for ${places.join(', ')}`, { places })
  }
  return found
}

/** Why that file, in a few words. */
export function whyPipelineFile(named: string | undefined, env: Environment): string {
  if (named !== undefined) return 'named on the command line'
  return env['KPIPE_CONFIG'] ? 'named by KPIPE_CONFIG' : 'found without being named'
}

function existing(file: string, why: string): string {
  if (!existsSync(file)) throw new KpipeError('KPIPE_PIPELINE_MISSING', `there is no pipeline file ${file}${why}`, { file })
  return file
}
