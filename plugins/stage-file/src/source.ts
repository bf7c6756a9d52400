import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { hostname } from 'node:os'
import { basename, resolve } from 'node:path'
import type { SourceContext, SourceStage } from '@kpipe/engine/contracts'
import { KpipeError } from '@kpipe/engine/contracts'
import { fileStream } from './file-stream.ts'
import { inputStream } from './input-stream.ts'
import { reasonOf } from './reason.ts'

interface Settings {
  readonly path: string
}

export const source: SourceStage<Settings> = {
  kind: 'source',
  summary: 'reads a snapshot file, or standard input',
  settings: {
    type: 'object',
    properties: {
      path: {
        type: 'string',
        format: 'path',
        minLength: 1,
        description: 'The file to read; `-` is standard input.',
        examples: ['/var/lib/etcd/snapshot.db', '-'],
      },
    },
    required: ['path'],
    additionalProperties: false,
  },

  open({ path }, context) {
    if (path === '-') return Promise.resolve(inputStream(process.stdin, `${hostname()}:-`, context))
    return openFile(resolve(path), context)
  },
}

async function openFile(path: string, context: SourceContext) {
  // Without O_NONBLOCK, opening a named pipe would wait for its writer.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    throw new KpipeError('KPIPE_SOURCE_UNREACHABLE', `${path} cannot be read: ${reasonOf(cause)}`, { path }, { cause })
  })
  try {
    const stat = await handle.stat()
    if (!stat.isFile()) {
      const seen = stat.isDirectory() ? 'a folder' : 'no regular file'
      throw new KpipeError('KPIPE_SOURCE_UNREACHABLE', `${path} cannot be read: it is ${seen}`, { path })
    }
    const facts = { file_name: basename(path), file_bytes: stat.size, file_modified: stat.mtime.toISOString() }
    return await fileStream({ handle, path, stat, name: `${hostname()}:${path}`, facts, context })
  } catch (error) {
    await handle.close()
    throw error
  }
}
