import { readFileSync } from 'node:fs'
import { findPackageJSON } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Conditions that hold for an import; `require.resolve`, the only resolver that takes a folder, does not know the second. */
const conditions = new Set(['node', 'import', 'module-sync', 'default'])

/** The entry of a package that can be imported but not required; undefined when there is no such package or entry. */
export function importEntry(specifier: string, from: URL): string | undefined {
  const manifest = manifestOf(specifier, from)
  if (manifest === undefined) return undefined
  const { exports: map } = JSON.parse(readFileSync(manifest, 'utf8')) as { exports?: unknown }
  const subpath = specifier
    .split('/')
    .slice(specifier.startsWith('@') ? 2 : 1)
    .join('/')
  const entry = target(
    subpath === '' ? ((map as Record<string, unknown>)?.['.'] ?? map) : (map as Record<string, unknown>)?.[`./${subpath}`],
  )
  return entry === undefined ? undefined : pathToFileURL(join(dirname(manifest), entry)).href
}

function manifestOf(specifier: string, from: URL): string | undefined {
  try {
    return findPackageJSON(specifier, from)
  } catch {
    // There is no such package, or its name is no name of a package.
    return undefined
  }
}

function target(entry: unknown): string | undefined {
  if (typeof entry === 'string') return entry
  if (typeof entry !== 'object' || entry === null) return undefined
  for (const [condition, inside] of Object.entries(entry)) {
    const path = conditions.has(condition) ? target(inside) : undefined
    if (path !== undefined) return path
  }
  return undefined
}
