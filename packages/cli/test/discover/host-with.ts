import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { openHost } from '../../src/discover/host.ts'
import type { Host } from '../../src/discover/host.ts'

/** A file that was written by hand after what others write; its first line says after what. */
export function fixture(name: string): string {
  return readFileSync(resolve(import.meta.dirname, '../fixtures/discover', name), 'utf8')
}

/** A host called cp-1 that has these files and no others, gone after the test. */
export function hostWith(
  t: { after(done: () => void): void },
  files: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Host & { readonly root: string } {
  const root = mkdtempSync(join(tmpdir(), 'kpipe-host-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return { ...openHost(root, env, 'cp-1'), root }
}
