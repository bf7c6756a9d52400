import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { editorSchema } from '@kpipe/engine'
import type { OwnStage } from '@kpipe/engine'
import { openStages, ownStages } from '../where/stages.ts'
import { replaceSchema } from './replace-schema.ts'

const fileName = 'kpipe.schema.json'

/** What makes editors use the schema that lies beside a pipeline file. */
export const editorLine = `# yaml-language-server: $schema=./${fileName}`

/** JSON Schema of pipeline files, as text. */
export async function schemaText(): Promise<string> {
  return `${JSON.stringify(editorSchema(await stagesByName()), null, 2)}\n`
}

/** Writes the schema beside a pipeline file; resolves with its path. */
export async function writeSchemaBeside(pipelineFile: string): Promise<string> {
  const file = join(dirname(resolve(pipelineFile)), fileName)
  await replaceSchema(file, await schemaText())
  return file
}

/** Puts the editors' line at the top of a pipeline file that does not name a schema. Nothing else in it changes. */
export async function addEditorLine(pipelineFile: string): Promise<void> {
  const text = await readFile(pipelineFile, 'utf8')
  if (/^# *yaml-language-server:/m.test(text)) return
  const draft = `${pipelineFile}.kpipe-new`
  const { mode } = await stat(pipelineFile)
  await writeFile(draft, `${editorLine}\n${text}`, { mode: mode & 0o777, flag: 'wx' })
  await rename(draft, pipelineFile)
}

async function stagesByName(): Promise<OwnStage[]> {
  const loader = openStages(new Map())
  const found = await Promise.all(ownStages.map(async (name) => ({ name, stages: await loader.loadAll(name, process.cwd()) })))
  return found.flatMap(({ name, stages }) => stages.map(({ stage }) => ({ name, stage })))
}
