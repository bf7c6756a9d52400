import { resolve } from 'node:path'
import type { TargetStage } from '@kpipe/engine/contracts'
import { createFileTarget } from './file-target.ts'
import { outputTarget } from './output-target.ts'

interface Settings {
  readonly path: string
}

export const target: TargetStage<Settings> = {
  kind: 'target',
  summary: 'writes a new file, or standard output',
  settings: {
    type: 'object',
    properties: {
      path: {
        type: 'string',
        format: 'path',
        minLength: 1,
        description: 'The file to make, which must not exist; `-` is standard output.',
        examples: ['./snap', '-'],
      },
    },
    required: ['path'],
    additionalProperties: false,
  },

  open({ path }, { bytes }) {
    return path === '-' ? Promise.resolve(outputTarget(process.stdout)) : createFileTarget(resolve(path), bytes)
  },
}
