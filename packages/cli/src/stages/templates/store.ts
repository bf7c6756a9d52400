export const store = String.raw`import { randomBytes } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

const unfinished = '.unfinished-'
const names = /^(?=.{1,120}$)[a-z0-9-]+(\/[a-z0-9-]+)*$/

/** Keeps named objects, each written once; here in a folder. Runs on the main thread. */
export default {
  kind: 'store',
  summary: 'a folder',
  settings: {
    type: 'object',
    properties: { path: { type: 'string', format: 'path', description: 'The folder.' } },
    required: ['path'],
    additionalProperties: false,
  },

  async open({ path: root }) {
    return {
      location: root,
      create: (name, parts) => telling(name, () => create(root, named(name), Buffer.concat(parts))),
      read: (name, range) => telling(name, () => read(join(root, named(name)), range)),
      async *list(prefix, after = '') {
        const found = await telling(prefix, () => namesIn(root, ''))
        for (const name of found.filter((name) => name.startsWith(prefix) && name > after).sort()) {
          yield { name, bytes: (await stat(join(root, name))).size }
        }
      },
      remove: (name) => telling(name, () => unlink(join(root, named(name))).catch(unlessMissing)),
    }
  },
}

/** Whole and durable before it has its name, and the name is given only when nobody has it. */
async function create(root, name, bytes) {
  const path = join(root, name)
  await mkdir(dirname(path), { recursive: true })
  const own = join(dirname(path), unfinished + randomBytes(8).toString('hex'))
  const file = await open(own, 'wx')
  try {
    await file.writeFile(bytes)
    await file.sync()
    await link(own, path)
    await syncFolder(dirname(path))
    return 'created'
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
    // Perhaps it was this very call, whose answer got lost.
    return bytes.equals(await readFile(path)) ? 'created' : 'exists'
  } finally {
    await file.close()
    await unlink(own)
  }
}

async function read(path, range) {
  const file = await open(path).catch(unlessMissing)
  if (file === undefined) return undefined
  try {
    const found = await file.stat()
    if (found.isDirectory()) return undefined
    const { size } = found
    const { offset, length } = range ?? { offset: 0, length: size }
    const bytes = new Uint8Array(Math.max(0, Math.min(length, size - offset)))
    const { bytesRead } = await file.read(bytes, 0, bytes.length, offset)
    return bytes.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function namesIn(root, folder) {
  const entries = (await readdir(join(root, folder), { withFileTypes: true }).catch(unlessMissing)) ?? []
  const found = entries
    .filter(({ name }) => !name.startsWith(unfinished))
    .map((entry) => (entry.isDirectory() ? namesIn(root, folder + entry.name + '/') : [folder + entry.name]))
  return (await Promise.all(found)).flat()
}

async function syncFolder(path) {
  const folder = await open(path)
  await folder.sync().finally(() => folder.close())
}

/** A name that only others begin with is as good as none. */
function unlessMissing(error) {
  if (!['ENOENT', 'ENOTDIR', 'EISDIR'].includes(error.code)) throw error
}

function named(name) {
  if (!names.test(name)) throw new Error('this is no name of an object')
  return name
}

/** The code says what kind of fault it is, and with that the exit code; nothing needs to be imported for it. */
async function telling(name, work) {
  try {
    return await work()
  } catch (error) {
    const codes = { ENOSPC: 'KPIPE_STORE_FULL', EDQUOT: 'KPIPE_STORE_FULL', EACCES: 'KPIPE_STORE_FORBIDDEN', EPERM: 'KPIPE_STORE_FORBIDDEN' }
    throw Object.assign(new Error(name + ': ' + error.message), { code: codes[error.code] ?? 'KPIPE_STORE_FAILED' })
  }
}
`
