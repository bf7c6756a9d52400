import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { nearest } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { npm } from './npm.ts'
import type { NpmOptions } from './npm.ts'
import { openStageProject } from './stage-project.ts'

/**
 * Uninstalls a package that was added beside the pipeline file.
 * @param word its name, or what stands after `use:`
 * @returns the package's name
 */
export async function removeStage(word: string, options: NpmOptions): Promise<string> {
  const names = existsSync(join(options.folder, 'package.json')) ? Object.keys(openStageProject(options.folder).dependencies()) : []
  const name = [word, `kpipe-stage-${word}`].find((candidate) => names.includes(candidate))
  if (name === undefined) {
    const error = new KpipeError('KPIPE_STAGE_MISSING', `no stage ${word} was added in ${options.folder}`, { stage: word })
    const meant = nearest(word, names)
    throw withHint(error, meant === undefined ? '`kpipe stages` lists what is there.' : `Did you mean ${meant}?`)
  }
  await npm(['uninstall', '--save', '--legacy-peer-deps', '--install-links', '--prefer-offline', name], options)
  return name
}
