import { resolve } from 'node:path'
import { stageLoader } from '@kpipe/engine'
import type { StageLoader } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'

/** What a pipeline file gets that does not list its stages. */
export const defaultStages = ['chunk', 'hash', 'compress', 'seal'] as const
/** Looks into what is stored, without being asked for: it says nothing about what is no etcd database. */
export const defaultInspect = ['etcd'] as const

/** kpipe's own, by the names that pipeline files use. */
export const ownStages = ['etcd', 'file', ...defaultStages, 'store-fs'] as const

/** Finds stages: kpipe's own beside this package, others where the pipeline file or `--stage name=path` says. */
export function openStages(overrides: ReadonlyMap<string, string>): StageLoader {
  return stageLoader({ resolveOwn: (specifier) => import.meta.resolve(specifier), overrides, names: ownStages })
}

/** `--stage name=path`, any number of times. @throws KpipeError KPIPE_USAGE */
export function parseOverrides(texts: readonly string[] = []): ReadonlyMap<string, string> {
  return new Map(texts.map(parseOverride))
}

function parseOverride(text: string): [string, string] {
  const at = text.indexOf('=')
  if (at <= 0 || at === text.length - 1) {
    throw new KpipeError('KPIPE_USAGE', `--stage ${text} is not of the form name=path`, { stage: text })
  }
  return [text.slice(0, at), resolve(text.slice(at + 1))]
}
