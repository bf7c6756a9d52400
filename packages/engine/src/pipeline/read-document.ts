import { schemaProblems } from '../stages/schema-problems.ts'
import type { Path } from './document.ts'
import { parseDocument } from './document.ts'
import { readPipelineText } from './pipeline-text.ts'
import type { Problem } from './problem.ts'
import { pipelineInvalid } from './problem.ts'

/** Tells of something that the schema cannot say. */
export type AddProblem = (path: Path, at: 'key' | 'value', message: string) => void

/**
 * Reads a YAML file that goes beside a pipeline file. Nothing is filled in.
 * @param what how errors call the file
 * @param schema JSON Schema of the whole
 * @param check looks at what the schema allows
 * @throws KpipeError KPIPE_PIPELINE_MISSING, or KPIPE_PIPELINE_INVALID telling everything that is wrong with it, with line and column
 */
export async function readDocument<Value>(
  file: string,
  what: string,
  schema: object,
  check: (value: Value, add: AddProblem) => void,
): Promise<Value> {
  const text = await readPipelineText(file, what)
  const problems: Problem[] = []
  const document = await parseDocument(text, problems, (value) => value)
  if (document !== undefined) {
    const add: AddProblem = (path, at, message) => problems.push({ ...document.rangeOf(path, at), message })
    if (document.value === null) add([], 'key', 'the file is empty')
    else {
      for (const { path, at, message } of await schemaProblems(schema, document.value)) add(path, at, message)
      if (problems.length === 0) check(document.value as Value, add)
    }
  }
  if (document === undefined || problems.length > 0) throw pipelineInvalid(file, text, problems)
  return document.value as Value
}
