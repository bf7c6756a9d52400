import { statSync } from 'node:fs'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import { askedFor, hookTimes, isSecretSetting } from '@kpipe/engine'
import type { ExaminedPipeline, Path, Pipeline, PipelineDocument, Problem } from '@kpipe/engine'
import { placedStages } from '../where/placed-stages.ts'

type Add = (path: Path, message: string) => void

const [othersRead, everybodyReads] = [0o044, 0o004]

/** What is allowed and certainly not good. A file with errors is only looked at where these do not matter. */
export function warningsOf({ file, document, pipeline }: ExaminedPipeline): Problem[] {
  if (document === undefined) return []
  const warnings: Problem[] = []
  const add: Add = (path, message) => warnings.push({ ...document.rangeOf(path, 'value'), message })
  for (const name of ['file', 'passwordFile']) aboutKey(['key', name], file, document, pipeline, add)
  aboutMetrics(file, document, add)
  for (const path of [
    ['key', 'file'],
    ['key', 'passwordFile'],
    ['metrics', 'textfile'],
  ] as const)
    aboutPath(path, document, add)
  if (pipeline !== undefined) {
    aboutSecret(['key', 'password'], pipeline, document, add)
    aboutPlaintext(pipeline, add)
    aboutSettings(pipeline, document, add)
    aboutHooks(pipeline, document, add)
  }
  return warnings
}

function aboutKey(at: Path, file: string, document: PipelineDocument, pipeline: Pipeline | undefined, add: Add): void {
  const written = document.written(at)
  if (written === undefined || written.includes('${')) return
  const path = resolve(dirname(file), written)
  const mode = modeOf(path)
  if (mode === undefined) add(at, `there is no file ${path}`)
  else if ((mode & othersRead) !== 0) add(at, `others than its owner may read ${path} (mode ${octal(mode)})`)
  const folder = pipeline?.store.package === '@kpipe/stage-store-fs' ? pipeline.store.settings['path'] : undefined
  if (typeof folder === 'string' && isInside(path, folder)) add(at, `the key lies in ${folder}, which it locks`)
}

function aboutMetrics(file: string, document: PipelineDocument, add: Add): void {
  const written = document.written(['metrics', 'textfile'])
  if (written === undefined || written.includes('${')) return
  const path = resolve(dirname(file), written)
  if (!path.endsWith('.prom')) add(['metrics', 'textfile'], 'node-exporter reads only files whose names end in .prom')
  if (modeOf(dirname(path)) === undefined) add(['metrics', 'textfile'], `there is no folder ${dirname(path)}`)
}

function aboutPlaintext({ plaintextAccepted, codecs }: Pipeline, add: Add): void {
  if (!plaintextAccepted) return
  const seals = codecs.some(({ stage }) => stage.seals)
  add(['plaintext'], seals ? 'the stages seal: this is not needed' : 'whoever reads the store reads every Secret in the backups')
}

function aboutSettings(pipeline: Pipeline, document: PipelineDocument, add: Add): void {
  for (const { path, loaded } of placedStages(pipeline)) {
    for (const [name, property] of Object.entries(loaded.stage.settings.properties)) {
      const place = [...path, 'with', name]
      if (property.format === 'path') aboutPath(place, document, add)
      if (isSecretSetting(loaded.stage.settings, name)) aboutSecret(place, pipeline, document, add)
    }
    if (loaded.settings['insecureSkipTlsVerify'] === true) {
      add([...path, 'with', 'insecureSkipTlsVerify'], 'anybody on the network can pose as the server')
    }
  }
}

function aboutSecret(path: Path, { file, folder }: Pipeline, document: PipelineDocument, add: Add): void {
  const written = document.written(path)
  if (written === undefined) return
  const { env, files } = askedFor(written)
  for (const from of files) {
    const mode = modeOf(resolve(folder, from))
    if (mode !== undefined && (mode & everybodyReads) !== 0) add(path, `everybody may read ${resolve(folder, from)} (mode ${octal(mode)})`)
  }
  if (env.length + files.length > 0) return
  const mode = modeOf(file) ?? 0
  const readers = (mode & everybodyReads) === 0 ? '' : `, which everybody may read (mode ${octal(mode)})`
  add(path, `${String(path.at(-1))} stands in the file itself${readers}, not in \${env:NAME} or \${file:PATH}`)
}

/** What is filled into a command stands in argv, where every process of the host may read it. */
function aboutHooks({ hooks, secretVariables }: Pipeline, document: PipelineDocument, add: Add): void {
  for (const when of hookTimes) {
    for (const [index, { run }] of hooks[when].entries()) {
      const path = document.has(['hooks', when, 'run']) ? ['hooks', when, 'run'] : ['hooks', when, index, 'run']
      const words = Array.isArray(run) ? run.map((_word, at) => [...path, at]) : [path]
      for (const word of words) {
        const { env, files } = askedFor(document.written(word) ?? '')
        const secrets = [...env.filter((name) => secretVariables.includes(name)), ...files]
        for (const secret of secrets) add(word, `the value of ${secret} stands in the command, which every process may read while it runs`)
      }
    }
  }
}

function aboutPath(path: Path, document: PipelineDocument, add: Add): void {
  const written = document.written(path)
  if (written === undefined || isAbsolute(written) || relative('/a', resolve('/a', written)).split('/')[0] !== '..') return
  add(path, `${written} leads out of the folder of this file`)
}

/** Undefined when there is no such file, or nobody tells. */
function modeOf(path: string): number | undefined {
  try {
    return statSync(path).mode & 0o7777
  } catch {
    return undefined
  }
}

function octal(mode: number): string {
  return `0${(mode & 0o777).toString(8)}`
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way !== '' && way.split('/')[0] !== '..'
}
