import { copyFileSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ending } from '../check/run-program.ts'
import { ownChild } from '../children.ts'
import { clone, type Manifest, workspacePackages } from './workspace.ts'

/**
 * Compiles all packages at once and puts each into a folder of its own, as it is published: `.js`, `.d.ts`, what
 * `files` names, the licence, and a package.json that speaks of nothing else.
 * @param to made anew
 * @returns folders of the packages, by name
 */
export async function buildPackages(to: string): Promise<ReadonlyMap<string, string>> {
  rmSync(to, { recursive: true, force: true })
  mkdirSync(to, { recursive: true })
  const compiled = join(to, '.compiled')
  await compile(compiled)
  const built = new Map<string, string>()
  for (const { folder, manifest } of workspacePackages()) {
    const place = join(to, manifest.name.replace('@kpipe/', ''))
    mkdirSync(place)
    renameSync(join(compiled, folder, 'src'), join(place, 'dist'))
    for (const file of manifest.files.filter((name) => name !== 'dist')) {
      const source = join(clone, folder, file)
      if (existsSync(source)) cpSync(source, join(place, file), { recursive: true })
    }
    copyFileSync(join(clone, 'LICENSE'), join(place, 'LICENSE'))
    writeFileSync(join(place, 'package.json'), `${JSON.stringify(published(manifest), null, 2)}\n`)
    built.set(manifest.name, place)
  }
  rmSync(compiled, { recursive: true })
  return built
}

/** The compiler does not run under the hooks that a test runner puts into each Node. */
async function compile(to: string): Promise<void> {
  const words = [join(clone, 'node_modules/.bin/tsc'), '--project', join(clone, 'tsconfig.build.json'), '--outDir', to]
  await ending(ownChild('env', ['-u', 'NODE_OPTIONS', process.execPath, ...words], { cwd: clone, stdio: 'inherit' }))
}

/** The sources are not there, so nothing may lead to them, not even under a condition that only a clone sets. */
function published(manifest: Manifest): object {
  const { devDependencies: _unneeded, ...kept } = manifest as Manifest & { devDependencies?: unknown }
  return { ...kept, exports: withoutSources(manifest.exports) }
}

function withoutSources(map: unknown): unknown {
  if (typeof map !== 'object' || map === null) return map
  return Object.fromEntries(
    Object.entries(map)
      .filter(([condition]) => condition !== 'kpipe-source')
      .map(([name, inside]) => [name, withoutSources(inside)]),
  )
}
