import { mkdirSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import type { Test } from 'tap'
import type { KpipeError } from '../../src/contracts/index.ts'
import { examinePipeline, readPipeline } from '../../src/pipeline/read-pipeline.ts'
import { stageLoader } from '../../src/stages/loader.ts'
import { richSettings, stageModule, stageObject } from '../stages/stage-files.ts'

const etcdSettings = `settings: { type: 'object', additionalProperties: false, properties: Object.fromEntries(
  ['location', 'cacert', 'cert', 'key', 'username', 'password'].map((name) => [name, { type: 'string', description: '' }]).concat(
  [['endpoints', { type: 'array', items: { type: 'string' }, description: '' }]])) }`

const stages: Record<string, string> = {
  etcd: `export default [${stageObject('source', etcdSettings)}, ${stageObject('inspect')}]`,
  chunk: stageModule('chunk', richSettings.replace(`required: ['path'],`, '')),
  hash: stageModule('hash'),
  compress: stageModule('codec'),
  seal: stageModule('codec', 'seals: true'),
  'store-fs': stageModule('store', richSettings),
}

/** A folder with a pipeline file of that text, and a kpipe with stages of the usual names. */
export function pipelineWith(t: Test, text: string | Buffer, env: Record<string, string> = {}) {
  const root = t.testdir({})
  mkdirSync(`${root}/own`)
  for (const [name, module] of Object.entries(stages)) writeFileSync(`${root}/own/${name}.js`, module)
  const file = `${root}/backup.yaml`
  writeFileSync(file, text)
  const loader = stageLoader({
    names: Object.keys(stages),
    resolveOwn(specifier) {
      const name = specifier.replace('@kpipe/stage-', '')
      if (!Object.hasOwn(stages, name)) throw new Error(`no ${specifier}`)
      return pathToFileURL(`${root}/own/${name}.js`).href
    },
  })
  const options = { loader, env, defaultStages: ['chunk', 'hash', 'compress', 'seal'], defaultInspect: ['etcd'] }
  return { root, file, read: () => readPipeline(file, options), examine: () => examinePipeline(file, options) }
}

/** The message of the refusal, with the file's path taken out. */
export async function refusalOf(t: Test, text: string | Buffer, env?: Record<string, string>): Promise<string> {
  const { file, read } = pipelineWith(t, text, env)
  const error = await read().then(
    () => undefined,
    (refusal: KpipeError) => refusal,
  )
  t.equal(error?.code, 'KPIPE_PIPELINE_INVALID')
  return (error?.message ?? '').replaceAll(file, 'backup.yaml')
}
