import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import type { StageLoader } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import { addStage } from './add-stage.ts'
import { npm } from './npm.ts'

interface Manifest {
  readonly name?: string
  readonly version?: string
  readonly dependencies?: Readonly<Record<string, string>>
}

/**
 * Packs a package of a stage with all that it depends on into one file, and tries that out where no registry is.
 * @param folder the package; built, when it has to be
 * @param to folder of the file
 * @returns path of the file
 */
export async function buildStage(folder: string, to: string, loader: StageLoader, signal: AbortSignal): Promise<string> {
  const manifest = readManifest(folder)
  const work = mkdtempSync(join(tmpdir(), 'kpipe-stage-'))
  try {
    const copy = join(work, 'package')
    cpSync(resolve(folder), copy, { recursive: true, filter: (path) => !['node_modules', '.git'].includes(basename(path)) })
    const dependencies = Object.keys(manifest.dependencies ?? {})
    writeFileSync(join(copy, 'package.json'), JSON.stringify(packedManifest(manifest, dependencies), null, 2))
    const inCopy = { folder: copy, signal }
    if (dependencies.length > 0) await npm(['install', '--legacy-peer-deps', '--install-links', '--prefer-offline'], inCopy)
    const [{ filename }] = JSON.parse(await npm(['pack', '--json', `--pack-destination=${work}`], inCopy)) as [{ filename: string }]
    const trial = mkdtempSync(join(work, 'trial-'))
    await addStage(join(work, filename), loader, { folder: trial, signal })
    cpSync(join(work, filename), join(to, filename))
    return join(to, filename)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

function readManifest(folder: string): Manifest {
  const file = join(folder, 'package.json')
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Manifest
  } catch (cause) {
    const seen = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'has no package.json' : 'has a package.json that is no JSON'
    throw new KpipeError('KPIPE_STAGE_INVALID', `${resolve(folder)} ${seen}`, { folder }, { cause })
  }
}

/** Who uses the stage needs nothing of what its author needs, and gets the rest with it. */
function packedManifest(manifest: Manifest, dependencies: readonly string[]): object {
  const { devDependencies: _unneeded, scripts: _never, ...kept } = manifest as Record<string, unknown>
  return { ...kept, bundleDependencies: dependencies }
}
