import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const stageName = /^kpipe-stage-./

/** Packages that are named as stages are, in the node_modules that `folder` sees: its own and those above. */
export function installedPackages(folder: string): string[] {
  const found = new Set<string>()
  for (let at = folder; ; at = dirname(at)) {
    const modules = join(at, 'node_modules')
    for (const name of namesIn(modules)) {
      if (stageName.test(name)) found.add(name)
      if (!name.startsWith('@') || name === '@kpipe') continue
      for (const inside of namesIn(join(modules, name))) if (stageName.test(inside)) found.add(`${name}/${inside}`)
    }
    if (at === dirname(at)) return [...found].toSorted()
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Most folders have no node_modules, and one that cannot be read holds nothing that could be loaded.
    return []
  }
}
