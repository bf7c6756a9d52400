import type { LoadedStage } from '@kpipe/engine'
import type { CodecRecord } from '@kpipe/engine/contracts'

/** A stage as a snapshot names it. */
export function stageRecord({ package: stage, version, settings }: LoadedStage<unknown>): CodecRecord {
  return { stage, version, settings: Object.fromEntries(Object.entries(settings).filter(([name]) => !secretNames.test(name))) }
}

/** Settings of these names hold secrets and stay out of the repository. */
const secretNames = /^(password|token|secret|accessKey|secretKey|username)$/i
