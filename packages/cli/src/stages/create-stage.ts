import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { engineVersion } from '@kpipe/engine'
import { KpipeError } from '@kpipe/engine/contracts'
import type { StageKind } from '@kpipe/engine/contracts'
import { withHint } from '../failure.ts'
import { templates } from './templates/index.ts'
import { testOf } from './templates/test-of.ts'

/**
 * Makes a package of a stage that works and passes its conformance suite, to begin with.
 * @param name with or without `kpipe-stage-`
 * @returns path of its folder, made in `folder`
 */
export function createStage(kind: string, name: string, folder: string): string {
  if (!Object.hasOwn(templates, kind)) {
    throw usage(`there is no kind of stage ${kind}`, `The kinds are ${Object.keys(templates).join(', ')}.`)
  }
  const short = name.replace(/^kpipe-stage-/, '')
  if (!/^[a-z0-9][a-z0-9-]{0,60}$/.test(short)) throw usage(`${name} is no name of a stage`, 'Use small letters, digits and hyphens.')
  const path = resolve(folder, `kpipe-stage-${short}`)
  makeFolder(path)
  for (const part of ['src', 'test']) mkdirSync(join(path, part))
  const files = { 'package.json': manifest(kind, short), 'README.md': readme(kind as StageKind, short) }
  for (const [file, text] of Object.entries(files)) writeFileSync(join(path, file), text)
  writeFileSync(join(path, 'src/stage.js'), templates[kind as StageKind])
  writeFileSync(join(path, 'test/stage.test.js'), testOf(kind as StageKind))
  return path
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    throw new KpipeError('KPIPE_TARGET_EXISTS', `${path} exists`, { path })
  }
}

function manifest(kind: string, short: string): string {
  const engine = { '@kpipe/engine': `^${engineVersion}` }
  const text = {
    name: `kpipe-stage-${short}`,
    version: '0.1.0',
    description: `A ${kind} stage for kpipe`,
    keywords: ['kpipe-stage'],
    type: 'module',
    exports: './src/stage.js',
    files: ['src', 'README.md'],
    engines: { node: '>=24' },
    scripts: { test: 'node --test' },
    // Optional, because kpipe brings its engine; the version is compared when the stage is loaded.
    peerDependencies: engine,
    peerDependenciesMeta: { '@kpipe/engine': { optional: true } },
    devDependencies: engine,
  }
  return `${JSON.stringify(text, null, 2)}\n`
}

function readme(kind: StageKind, short: string): string {
  return `# kpipe-stage-${short}

A ${kind} stage for kpipe. \`src/stage.js\` is all of it, \`npm test\` runs the conformance suite of its kind.

\`\`\`
kpipe stages build                                  # packs it, with what it depends on, into one file
kpipe stages add ./kpipe-stage-${short}-0.1.0.tgz   # beside a pipeline file; needs no registry
kpipe stages show ${short}
\`\`\`
`
}

function usage(message: string, hint: string): KpipeError {
  return withHint(new KpipeError('KPIPE_USAGE', message), hint)
}
