import { string } from '@oclif/core/flags'
import type { Pipeline } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'

export const memberFlag = string({ helpValue: 'MEMBER', description: 'take the snapshot of this member: its name, id or host:port' })

/** The pipeline with that member in its source. @throws KpipeError KPIPE_USAGE when the source has none */
export function withMember(pipeline: Pipeline, member: string | undefined): Pipeline {
  if (member === undefined) return pipeline
  const { source } = pipeline
  if (!Object.hasOwn(source.stage.settings.properties, 'member'))
    throw new KpipeError('KPIPE_USAGE', `--member ${member} was given, and the source ${source.package} has no members`)
  return { ...pipeline, source: { ...source, settings: { ...source.settings, member } } }
}
