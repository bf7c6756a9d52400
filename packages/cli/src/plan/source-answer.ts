import { streamDigest } from '@kpipe/engine'
import type { Pipeline } from '@kpipe/engine'
import type { Facts, SourceContext } from '@kpipe/engine/contracts'

/** What a source says before its first byte. */
export interface SourceAnswer {
  readonly name: string
  readonly member: string
  /** Undefined when it does not know. */
  readonly bytes: number | undefined
  readonly facts: Facts
}

/** Opens the source as a run does, reads nothing, and lets it go. @throws KpipeError KPIPE_SOURCE_* */
export async function askSource(
  { source }: Pipeline,
  context: Pick<SourceContext, 'signal' | 'warn' | 'explain' | 'previousMember'>,
): Promise<SourceAnswer> {
  const digest = streamDigest()
  const stream = await source.stage.open(source.settings as never, { ...context, digestSoFar: () => digest.soFar() })
  const { name, member, bytes, facts } = stream
  await stream.close()
  return { name, member, bytes, facts }
}

/** What a member of a cluster is in it; undefined when the source is none. */
export function roleOf({ leader, learner }: Facts): 'leader' | 'learner' | 'follower' | undefined {
  if (typeof leader !== 'boolean') return undefined
  return leader ? 'leader' : learner === true ? 'learner' : 'follower'
}
