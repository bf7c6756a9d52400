export const target = String.raw`import { randomBytes } from 'node:crypto'
import { link, lstat, open, rm } from 'node:fs/promises'

/** Takes restored bytes, at any positions, and shows them when all are there. Runs on the main thread. */
export default {
  kind: 'target',
  summary: 'writes a file',
  settings: {
    type: 'object',
    properties: { path: { type: 'string', format: 'path', description: 'The file, which must not exist.' } },
    required: ['path'],
    additionalProperties: false,
  },

  async open({ path }) {
    if (await isThere(path)) throw fault('KPIPE_TARGET_EXISTS', path + ' exists')
    const own = path + '.' + randomBytes(8).toString('hex')
    const file = await telling(path, () => open(own, 'wx+', 0o600))
    const end = async () => {
      await file.close()
      await rm(own, { force: true })
    }
    return {
      ordered: false,
      write: (position, bytes) => telling(path, () => writeAll(file, position, bytes)),
      read: async (position, into) => (await file.read(into, 0, into.length, position)).bytesRead,
      async commit() {
        try {
          await telling(path, async () => {
            await file.sync()
            await link(own, path)
          })
        } finally {
          await end()
        }
      },
      abort: end,
    }
  },
}

async function writeAll(file, position, bytes) {
  for (let written = 0; written < bytes.length; ) {
    written += (await file.write(bytes, written, bytes.length - written, position + written)).bytesWritten
  }
}

function isThere(path) {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

async function telling(path, work) {
  try {
    return await work()
  } catch (error) {
    const exists = error.code === 'EEXIST'
    throw fault(exists ? 'KPIPE_TARGET_EXISTS' : 'KPIPE_TARGET_FAILED', path + (exists ? ' exists' : ': ' + error.message))
  }
}

/** The code says what kind of fault it is, and with that the exit code; nothing needs to be imported for it. */
function fault(code, message) {
  return Object.assign(new Error(message), { code })
}
`
