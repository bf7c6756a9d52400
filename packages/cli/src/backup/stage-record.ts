import { isSecretSetting } from '@kpipe/engine'
import type { LoadedStage } from '@kpipe/engine'
import type { CodecRecord, StageBase, StageKind } from '@kpipe/engine/contracts'

/** A stage as a snapshot names it: secret settings, and whom they belong to, stay out of the repository. */
export function stageRecord({ stage, package: name, version, settings }: LoadedStage<unknown>): CodecRecord {
  const schema = (stage as StageBase<StageKind>).settings
  const told = Object.entries(settings).filter(([setting]) => setting !== 'username' && !isSecretSetting(schema, setting))
  return { stage: name, version, settings: Object.fromEntries(told) }
}
