import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { KpipeOptions } from './kpipe.ts'
import type { Place } from './place.ts'

/** Options that make kpipe note its peak resident memory, which `mebibytes` gives when it has ended. */
export function peakMemory(place: Place): { readonly options: KpipeOptions; mebibytes(): number } {
  const file = place.at('home', 'peak')
  const preload = pathToFileURL(join(import.meta.dirname, 'record-peak.mjs')).href
  return {
    options: { nodeArguments: [`--import=${preload}`], env: { KPIPE_TEST_PEAK: file } },
    mebibytes: () => Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(file, 'utf8'))![1]) / 1024,
  }
}
