import type { ChunkStage, CodecStage, HashStage, InspectStage } from '@kpipe/engine/contracts'
import type { LoadedStage } from '../../src/stages/index.ts'
import countBytes from './count-bytes.ts'
import lines from './lines.ts'
import pages from './pages.ts'
import sha from './sha.ts'
import xor from './xor.ts'

function loaded<Stage>(stage: unknown, file: string, settings: Record<string, unknown> = {}): LoadedStage<Stage> {
  return {
    stage: stage as Stage,
    package: `./${file}`,
    version: '0.0.0',
    url: import.meta.resolve(`./${file}`),
    settings,
    firstParty: false,
  }
}

export const pageStage = (pageBytes: number) => loaded<ChunkStage>(pages, 'pages.ts', { pageBytes })
export const lineStage = loaded<ChunkStage>(lines, 'lines.ts')
export const shaStage = loaded<HashStage>(sha, 'sha.ts')
export const xorStage = (fail?: string) => loaded<CodecStage>(xor, 'xor.ts', fail ? { fail } : {})
export const countStage = loaded<InspectStage>(countBytes, 'count-bytes.ts')
