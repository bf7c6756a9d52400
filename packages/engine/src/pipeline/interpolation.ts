import { closeSync, openSync, readSync } from 'node:fs'
import { resolve } from 'node:path'
import { nearest } from '../stages/nearest.ts'

/** Longest file that `${file:…}` reads. */
const maxFileBytes = 64 * 1024

const places = ['env', 'file']

export interface InterpolationOptions {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Relative paths are relative to it. */
  readonly folder: string
  /** Called for each piece that has no value. `piece` is the text from `${` to `}`; what it stands for is never told. */
  onProblem(piece: string, message: string): void
}

/**
 * Replaces `${env:NAME}` by a variable and `${file:PATH}` by a file's text without its last line break.
 * `$${` stands for `${`.
 */
export function interpolate(value: string, options: InterpolationOptions): string {
  return value.replace(/\$\$\{|\$\{([^}]*)\}?/g, (piece: string, inside: string | undefined) => {
    if (inside === undefined) return '${'
    const found = lookUp(piece, inside, options)
    if (found.value !== undefined) return found.value
    options.onProblem(piece, found.problem)
    return ''
  })
}

/** The variables and files that a text asks for, as it stands in the file. */
export function askedFor(written: string): { readonly env: readonly string[]; readonly files: readonly string[] } {
  const pieces = [...written.matchAll(/\$\$\{|\$\{(env|file):([^}]+)\}/g)]
  const of = (place: string) => pieces.filter(([, found]) => found === place).map(([, , name]) => name)
  return { env: of('env'), files: of('file') }
}

type Found = { readonly value: string } | { readonly value: undefined; readonly problem: string }
const missing = (problem: string): Found => ({ value: undefined, problem })

function lookUp(piece: string, inside: string, { env, folder }: InterpolationOptions): Found {
  const [, place = '', name = ''] = /^([^:]*):?([^]*)$/.exec(inside) ?? []
  if (!piece.endsWith('}')) return missing(`${piece} has no closing brace`)
  if (!places.includes(place)) {
    const near = nearest(place, places)
    return missing(`${piece} is neither \${env:NAME} nor \${file:PATH}${near === undefined ? '' : `; nearest: ${near}`}`)
  }
  if (name === '') return missing(`${piece} names nothing`)
  if (place === 'file') return readSecret(resolve(folder, name))
  const value = env[name]
  return value === undefined ? missing(`the environment has no variable ${name}`) : { value }
}

function readSecret(path: string): Found {
  try {
    const bytes = readStart(path, maxFileBytes + 1)
    if (bytes.length > maxFileBytes) return missing(`${path} has more than ${maxFileBytes} bytes`)
    return { value: bytes.toString('utf8').replace(/\r?\n$/, '') }
  } catch (error) {
    return missing(`${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

/** The first bytes of a file, which may be a device or a pipe. */
function readStart(path: string, maxBytes: number): Buffer {
  const file = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(maxBytes)
    let length = 0
    for (;;) {
      const read = readSync(file, bytes, length, maxBytes - length, null)
      length += read
      if (read === 0 || length === maxBytes) return bytes.subarray(0, length)
    }
  } finally {
    closeSync(file)
  }
}
