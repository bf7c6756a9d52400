import { statSync } from 'node:fs'
import { resolve } from 'node:path'
import type { FoundStage, StageLoader } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { npm } from './npm.ts'
import type { NpmOptions } from './npm.ts'
import { openStageProject } from './stage-project.ts'
import type { StageProject } from './stage-project.ts'

export interface AddedStage {
  readonly package: string
  readonly stages: readonly FoundStage[]
}

/**
 * Installs a package beside the pipeline file and loads its stage, which also asks for the engine that it wants. When
 * anything is wrong with it, all is as before.
 * @param what name of a package in the registry, perhaps with a version; a folder; a file that `npm pack` made
 */
export async function addStage(what: string, loader: StageLoader, options: NpmOptions): Promise<AddedStage> {
  const project = openStageProject(options.folder)
  const before = project.dependencies()
  try {
    const spec = localPath(what) ?? what
    // A folder is copied as it would be published: a link would find its dependencies elsewhere.
    await npm(['install', '--save', '--legacy-peer-deps', '--install-links', '--prefer-offline', spec], options)
    const name = addedName(before, project, what)
    return { package: name, stages: await loader.loadAll(name, options.folder) }
  } catch (error) {
    await project.undo(options)
    throw error
  }
}

/** A path as npm reads it from any folder; undefined for what is no path. */
function localPath(what: string): string | undefined {
  const path = resolve(what)
  if (statSync(path, { throwIfNoEntry: false })) return path
  if (!/^(\.\.?\/|\/)|\.tgz$/.test(what)) return undefined
  throw withHint(new KpipeError('KPIPE_STAGE_MISSING', `there is no ${path}`, { path }), 'Check the path.')
}

function addedName(before: Readonly<Record<string, string>>, project: StageProject, what: string): string {
  const after = Object.entries(project.dependencies())
  const changed = after.filter(([name, spec]) => before[name] !== spec)
  // What was there already in this very version changes nothing; then its name or file says which one it is.
  const [name] = changed[0] ?? after.find(([known, spec]) => what.startsWith(known) || spec.endsWith(what.replace(/^[./]+/, ''))) ?? []
  if (name === undefined) throw new KpipeError('KPIPE_STAGE_INVALID', `npm installed ${what} and did not say under which name`)
  if (/^(kpipe-stage-|@(?!kpipe\/)[^/]+\/kpipe-stage-)/.test(name)) return name
  const error = new KpipeError('KPIPE_STAGE_INVALID', `${name} is not named as packages of stages are`, { stage: name })
  throw withHint(error, 'They are called kpipe-stage-NAME or @SCOPE/kpipe-stage-NAME; kpipe’s own come with it.')
}
