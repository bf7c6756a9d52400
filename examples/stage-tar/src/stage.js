import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pack } from 'tar-stream'

/** A folder as one stream, in an order that stays. @type {import('@kpipe/engine/contracts').SourceStage<{ path: string }>} */
export default {
  kind: 'source',
  summary: 'reads a folder as a tar stream',
  settings: {
    type: 'object',
    properties: { path: { type: 'string', format: 'path', description: 'The folder.' } },
    required: ['path'],
    additionalProperties: false,
  },

  async open({ path }, { signal, warn }) {
    signal.throwIfAborted()
    const entries = await entriesIn(path, '', warn).catch((error) => {
      throw fault('KPIPE_SOURCE_UNREACHABLE', `${path} cannot be read: ${error.message}`)
    })
    const tar = pack()
    const stop = () => tar.destroy(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    let filling
    return {
      name: resolve(path),
      member: '',
      // Headers of long names have a length of their own: it is known when it has been made.
      bytes: undefined,
      facts: { entries: entries.length },
      async *read() {
        filling = fill(tar, path, entries).catch((error) => tar.destroy(fault('KPIPE_SOURCE_DIED', `${path}: ${error.message}`)))
        yield* tar
      },
      end: async () => ({ trailer_verified: false }),
      async close() {
        signal.removeEventListener('abort', stop)
        tar.destroy()
        await filling
      },
    }
  },
}

/** Folders, files and links below `folder`, by name; sockets and the like are left out, and it is said. */
async function entriesIn(root, folder, warn) {
  const found = []
  for (const name of (await readdir(join(root, folder))).toSorted()) {
    const path = folder + name
    const stat = await lstat(join(root, path))
    if (stat.isDirectory()) found.push({ path: `${path}/`, type: 'directory', stat }, ...(await entriesIn(root, `${path}/`, warn)))
    else if (stat.isFile()) found.push({ path, type: 'file', stat })
    else if (stat.isSymbolicLink()) found.push({ path, type: 'symlink', stat })
    else warn(`${join(root, path)} is neither file, folder nor link, and is left out`)
  }
  return found
}

async function fill(tar, root, entries) {
  for (const { path, type, stat } of entries) {
    if (tar.destroying) return
    const header = { name: path, type, mode: stat.mode & 0o7777, mtime: stat.mtime, uid: stat.uid, gid: stat.gid }
    if (type === 'file') await fillFile(tar, { ...header, size: stat.size }, join(root, path))
    else tar.entry(type === 'symlink' ? { ...header, linkname: await readlink(join(root, path)) } : header)
  }
  tar.finalize()
}

/** The header says how long the file is: what grows meanwhile is cut there, and what shrinks fails. */
async function fillFile(tar, header, path) {
  const entry = tar.entry(header)
  const closed = once(entry, 'close')
  if (header.size > 0) {
    for await (const piece of createReadStream(path, { end: header.size - 1 })) {
      if (tar.destroying) return
      if (!entry.write(piece)) await Promise.race([once(entry, 'drain'), closed])
    }
  }
  entry.end()
  await closed
}

/** The code says what kind of fault it is; nothing needs to be imported for that. */
function fault(code, message) {
  return Object.assign(new Error(message), { code })
}
