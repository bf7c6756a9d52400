import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { npm } from './npm.ts'
import type { NpmOptions } from './npm.ts'

const [manifestName, lockName] = ['package.json', 'package-lock.json']

/** The package.json beside a pipeline file, as it was, to go back to. */
export interface StageProject {
  /** What it depends on now, by name. */
  dependencies(): Readonly<Record<string, string>>
  /** As if nothing had happened. */
  undo(options: NpmOptions): Promise<void>
}

/** Makes a package.json where there is none: npm needs one to write down what was added. */
export function openStageProject(folder: string): StageProject {
  const before = [manifestName, lockName].map((name) => ({ file: join(folder, name), text: textOf(join(folder, name)) }))
  const hadModules = existsSync(join(folder, 'node_modules'))
  const manifest = join(folder, manifestName)
  if (!existsSync(manifest)) writeFileSync(manifest, `${JSON.stringify({ private: true, description: 'Stages for kpipe' }, null, 2)}\n`)
  return {
    dependencies: () => (JSON.parse(readFileSync(manifest, 'utf8')) as { dependencies?: Record<string, string> }).dependencies ?? {},
    async undo(options) {
      const wasThere = before[0]!.text !== undefined
      for (const { file, text } of before) {
        if (text === undefined) rmSync(file, { force: true })
        else writeFileSync(file, text)
      }
      if (!hadModules) rmSync(join(folder, 'node_modules'), { recursive: true, force: true })
      else if (wasThere) await npm(['install', '--legacy-peer-deps', '--install-links'], options)
    },
  }
}

function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}
