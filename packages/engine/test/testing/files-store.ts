import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { KpipeError, type StoreStage } from '@kpipe/engine/contracts'

/** A directory written to without care: neither atomic nor exclusive. For tests that must catch it. */
export default {
  kind: 'store',
  summary: 'files without care',
  settings: {
    type: 'object',
    properties: { path: { type: 'string', format: 'path', description: 'The directory.' } },
    required: ['path'],
    additionalProperties: false,
  },
  async open({ path }) {
    return {
      location: path,
      async create(name, parts) {
        if (!/^[a-z0-9-]+(\/[a-z0-9-]+)*$/.test(name) || name.length > 120) throw new KpipeError('KPIPE_STORE_FAILED', `no name: ${name}`)
        const file = join(path, name)
        const bytes = Buffer.concat(parts)
        if (existsSync(file)) return readFileSync(file).equals(bytes) ? 'created' : 'exists'
        await delay(1)
        mkdirSync(dirname(file), { recursive: true })
        const half = bytes.length >> 1
        writeFileSync(file, bytes.subarray(0, half))
        await delay(2)
        writeFileSync(file, bytes.subarray(half), { flag: 'a' })
        return 'created'
      },
      async read(name, range) {
        const file = join(path, name)
        if (!existsSync(file) || !statSync(file).isFile()) return undefined
        const bytes = new Uint8Array(readFileSync(file))
        return range ? bytes.slice(range.offset, range.offset + range.length) : bytes
      },
      async *list(prefix, after = '') {
        if (!existsSync(path)) return
        const files = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(path, name)).isFile())
        for (const name of files.toSorted())
          if (name.startsWith(prefix) && name > after) yield { name, bytes: statSync(join(path, name)).size }
      },
      async remove(name) {
        const file = join(path, name)
        if (existsSync(file) && statSync(file).isFile()) rmSync(file)
      },
    }
  },
} satisfies StoreStage<{ path: string }>
