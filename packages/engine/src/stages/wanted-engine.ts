import { engineVersion } from '../version.ts'

/** Package whose version a stage's peer dependency is about. */
const engine = '@kpipe/engine'

/** What a stage's package.json says of itself, as far as it is anybody's business. */
export interface StageManifest {
  readonly version?: unknown
  readonly peerDependencies?: Readonly<Record<string, unknown>>
}

/** What keeps a stage from working with this engine; undefined when it does, or does not say. */
export async function engineFault(manifest: StageManifest): Promise<string | undefined> {
  const wanted = manifest.peerDependencies?.[engine]
  if (typeof wanted !== 'string') return undefined
  const { default: satisfies } = await import('semver/functions/satisfies.js')
  if (satisfies(engineVersion, wanted, { includePrerelease: true })) return undefined
  return `wants ${engine} ${wanted}, and this is ${engineVersion}`
}
