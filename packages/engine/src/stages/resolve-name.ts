import { statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { importEntry } from './import-entry.ts'

/** Where a name leads. */
export interface ResolvedName {
  /** What a snapshot records. */
  readonly package: string
  /** A `file:` URL. */
  readonly url: string
  readonly firstParty: boolean
}

export interface ResolveOptions {
  /** Resolves a package beside kpipe itself to a `file:` URL; throws when there is none. */
  resolveOwn(specifier: string): string
  /** Files that stand for names, whatever these would lead to (`--stage name=path`). */
  readonly overrides?: ReadonlyMap<string, string>
}

/** Where `name` was looked for in vain. */
export interface UnresolvedName {
  readonly tried: readonly string[]
}

const ownScope = '@kpipe/'
const ownPrefix = '@kpipe/stage-'
const otherPrefix = 'kpipe-stage-'

/**
 * A bare name is kpipe's own stage of that name, else the package `kpipe-stage-<name>`, beside the pipeline file first.
 * Anything with a slash or a dot is a path relative to the folder, or a package. Kpipe's own are only found beside kpipe.
 */
export function resolveName(name: string, folder: string, { resolveOwn, overrides }: ResolveOptions): ResolvedName | UnresolvedName {
  const overridden = overrides?.get(name)
  if (overridden !== undefined) return fileAt(resolve(overridden), name) ?? { tried: [resolve(overridden)] }

  const own = (specifier: string) => attempt(() => resolveOwn(specifier))
  if (name.startsWith(ownScope)) return found(name, own(name), true) ?? { tried: [name] }
  if (!/[./]/.test(name)) {
    const [first, other] = [`${ownPrefix}${name}`, name.startsWith(otherPrefix) ? name : `${otherPrefix}${name}`]
    return found(first, own(first), true) ?? found(other, beside(other, folder) ?? own(other), false) ?? { tried: [first, other] }
  }
  const path = resolve(folder, name)
  const file = fileAt(path, name)
  if (file) return file
  if (/^(\.\.?)?\//.test(name)) return { tried: [path] }
  return found(name, beside(name, folder) ?? own(name), false) ?? { tried: [path, `package ${name}`] }
}

function found(name: string, url: string | undefined, firstParty: boolean): ResolvedName | undefined {
  return url === undefined ? undefined : { package: name, url, firstParty }
}

function fileAt(path: string, name: string): ResolvedName | undefined {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ? found(name, pathToFileURL(path).href, false) : undefined
}

/** A package installed for `folder`: in its node_modules or in those above. */
function beside(specifier: string, folder: string): string | undefined {
  const from = pathToFileURL(join(folder, 'kpipe.js'))
  return attempt(() => pathToFileURL(createRequire(from).resolve(specifier)).href) ?? importEntry(specifier, from)
}

/** Not found is an answer here, not a fault; what has been found and is broken shows when it is imported. */
function attempt(resolution: () => string): string | undefined {
  try {
    return resolution()
  } catch {
    return undefined
  }
}
