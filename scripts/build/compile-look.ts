import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const folder = new URL('../../packages/bolt/', import.meta.url)
/** Holds what `compiledLook` makes, so that a clone runs without a compiler. */
export const lookCodeFile = fileURLToPath(new URL('src/look-code.ts', folder))

/** Compiles the folder wasm of the package bolt; the same sources give the same text. @throws Error with what the compiler says */
export function compiledLook(): string {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin', 'asc.js')
  const scratch = mkdtempSync(join(tmpdir(), 'kpipe-wasm-'))
  try {
    const outFile = join(scratch, 'look.wasm')
    const args = [compiler, 'look.ts', '--baseDir', fileURLToPath(new URL('wasm/', folder)), '--outFile', outFile, ...options]
    execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    return textOf(readFileSync(outFile))
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

const options = ['-O3', '--runtime', 'stub', '--importMemory', '--use', 'abort=']

function textOf(code: Buffer): string {
  const lines = code
    .toString('base64')
    .match(/.{1,120}/g)!
    .map((line) => `  '${line}',\n`)
  return `// Made by \`npm run build:wasm\` from the folder wasm; a test compares.\nexport const lookCode: string = [\n${lines.join('')}].join('')\n`
}
