import { randomBytes } from 'node:crypto'
import { u32 } from '../format.ts'

/** Parameters of a password slot: salt 16 | memory in KiB u32 | passes u32 | lanes u32, of argon2id. */
const parametersBytes = 28
const saltBytes = 16
const usual = { memoryKiB: 64 * 1024, passes: 3, lanes: 1 }

/** What a slot may ask of whoever opens it: a repository of a stranger must not take all memory, nor be easy to guess at. */
const bounds = {
  memoryKiB: { least: 19 * 1024, most: 1024 * 1024 },
  passes: { least: 1, most: 10 },
  lanes: { least: 1, most: 16 },
} as const

/** Each one costs a second or so: more are neither made nor tried. */
export const maxPasswordSlots = 16
/** KiB times passes of all slots that are tried: one of the most expensive, or 64 of the usual ones. Some 20 seconds. */
export const maxPasswordWork = 12 * 2 ** 20

/** With a new salt. */
export function newPasswordParameters(): Buffer {
  return Buffer.concat([randomBytes(saltBytes), u32(usual.memoryKiB), u32(usual.passes), u32(usual.lanes)])
}

/** Undefined when they are not of that form or out of bounds. */
export function parsePasswordParameters(
  parameters: Uint8Array,
): { salt: Uint8Array; memoryKiB: number; passes: number; lanes: number } | undefined {
  if (parameters.length !== parametersBytes) return undefined
  const view = Buffer.from(parameters)
  const parsed = {
    memoryKiB: view.readUInt32LE(saltBytes),
    passes: view.readUInt32LE(saltBytes + 4),
    lanes: view.readUInt32LE(saltBytes + 8),
  }
  const fits = (Object.keys(bounds) as (keyof typeof bounds)[]).every(
    (name) => parsed[name] >= bounds[name].least && parsed[name] <= bounds[name].most,
  )
  return fits ? { salt: view.subarray(0, saltBytes), ...parsed } : undefined
}

/** What trying a slot of these parameters costs: KiB times passes; nothing when they are out of bounds, for then it is not tried. */
export function passwordWork(parameters: Uint8Array): number {
  const parsed = parsePasswordParameters(parameters)
  return parsed === undefined ? 0 : parsed.memoryKiB * parsed.passes
}

/** 32 bytes, by argon2id of the password's UTF-8 in normalization form C; undefined when the parameters are out of bounds. */
export async function passwordSecret(password: string, parameters: Uint8Array): Promise<Uint8Array | undefined> {
  const parsed = parsePasswordParameters(parameters)
  if (parsed === undefined) return undefined
  // Only whoever has a password pays for the import.
  const { argon2id } = await import('hash-wasm')
  return argon2id({
    password: Buffer.from(password.normalize('NFC'), 'utf8'),
    salt: parsed.salt,
    memorySize: parsed.memoryKiB,
    iterations: parsed.passes,
    parallelism: parsed.lanes,
    hashLength: 32,
    outputType: 'binary',
  })
}
