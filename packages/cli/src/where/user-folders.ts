import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import type { Environment } from './pipeline-file.ts'

/** XDG base directories; relative values are to be ignored, says their specification. */
export function configFolder(env: Environment): string {
  return folder(env['XDG_CONFIG_HOME'], '.config')
}

/** Where heads of repositories are remembered. */
export function stateFolder(env: Environment): string {
  return folder(env['XDG_STATE_HOME'], join('.local', 'state'))
}

function folder(chosen: string | undefined, usual: string): string {
  return join(chosen !== undefined && isAbsolute(chosen) ? chosen : join(homedir(), usual), 'kpipe')
}
