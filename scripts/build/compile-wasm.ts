import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface WasmModule {
  /** Of the package, with a slash at its end. */
  readonly folder: URL
  /** In its folder wasm. */
  readonly entry: string
  /** Holds what `compiled` makes, so that a clone runs without a compiler. */
  readonly codeFile: string
  readonly constant: string
  readonly options: readonly string[]
}

const packages = new URL('../../packages/', import.meta.url)

export const wasmModules: readonly WasmModule[] = [
  moduleOf('bolt', 'look.ts', 'src/look-code.ts', 'lookCode', []),
  moduleOf('bolt', 'user-keys.ts', 'src/user-keys-code.ts', 'userKeysCode', []),
  moduleOf('bolt', 'status-walk.ts', 'src/status-walk-code.ts', 'statusWalkCode', []),
  moduleOf('engine', 'page-prints.ts', 'src/workers/print-code.ts', 'printCode', ['--enable', 'simd']),
]

/** Compiles a module; the same sources give the same text. @throws Error with what the compiler says */
export function compiled({ folder, entry, constant, options }: WasmModule): string {
  const compiler = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin', 'asc.js')
  const scratch = mkdtempSync(join(tmpdir(), 'kpipe-wasm-'))
  try {
    const outFile = join(scratch, 'out.wasm')
    const common = ['-O3', '--runtime', 'stub', '--importMemory', '--use', 'abort=']
    const args = [compiler, entry, '--baseDir', fileURLToPath(new URL('wasm/', folder)), '--outFile', outFile, ...common, ...options]
    execFileSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    return textOf(constant, readFileSync(outFile))
  } finally {
    rmSync(scratch, { recursive: true })
  }
}

function moduleOf(name: string, entry: string, codeFile: string, constant: string, options: readonly string[]): WasmModule {
  const folder = new URL(`${name}/`, packages)
  return { folder, entry, codeFile: fileURLToPath(new URL(codeFile, folder)), constant, options }
}

function textOf(constant: string, code: Buffer): string {
  const lines = code
    .toString('base64')
    .match(/.{1,120}/g)!
    .map((line) => `  '${line}',\n`)
  return `// Made by \`npm run build:wasm\` from the folder wasm; a test compares.\nexport const ${constant}: string = [\n${lines.join('')}].join('')\n`
}
