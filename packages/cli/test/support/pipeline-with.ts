import { appendFileSync, writeFileSync } from 'node:fs'
import { initialized } from './workplace.ts'
import type { Workplace } from './workplace.ts'

/** An initialized workplace whose pipeline file goes on with `more`. */
export async function pipelineWith(t: { after(done: () => void): void }, more: string): Promise<Workplace> {
  const place = await initialized(t)
  appendFileSync(place.at('backup.yaml'), more)
  return place
}

/**
 * Writes a source stage to `source.mjs` that fails as often as `failures` says and then gives 64 KiB. Each opening appends a
 * line to `opened`.
 */
export function failingSource(place: Workplace, failures: number, code = 'KPIPE_SOURCE_DIED'): void {
  writeFileSync(
    place.at('source.mjs'),
    `import { appendFileSync, readFileSync } from 'node:fs'
export default {
  kind: 'source',
  summary: 'fails at first',
  settings: { type: 'object', properties: {}, additionalProperties: false },
  async open() {
    appendFileSync(${JSON.stringify(place.at('opened'))}, 'opened\\n')
    const count = readFileSync(${JSON.stringify(place.at('opened'))}, 'utf8').split('\\n').length - 1
    return {
      name: 'counted', member: '', bytes: 65536, facts: { certificate_not_after: '2030-01-01T00:00:00Z' },
      async *read() {
        yield new Uint8Array(32768)
        if (count <= ${failures}) throw Object.assign(new Error('broke off at opening ' + count), { code: '${code}' })
        yield new Uint8Array(32768)
      },
      end: async () => ({}),
      close: async () => {},
    }
  },
}
`,
  )
}
