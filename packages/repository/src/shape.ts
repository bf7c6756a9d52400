// What decoded msgpack has to be before anything is done with it. Authenticated bytes may still be of another draft of the format.

export type Shape = (value: unknown) => boolean

export const isText: Shape = (value) => typeof value === 'string'

/** An integer from 0 to 2^53 - 1, or to `most`. */
export const isCount = (value: unknown, most = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && isWithin(value as number, most)

/** A bin of so many bytes, or of any number. */
export const isBytes = (value: unknown, length?: number): value is Uint8Array =>
  value instanceof Uint8Array && (length === undefined || value.length === length)

export const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

export const isListOf =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape)

/** A map with these keys at the least. */
export const isMapOf = (shapes: Readonly<Record<string, Shape>>): Shape => {
  const keys = Object.entries(shapes)
  return (value) => isMap(value) && keys.every(([key, shape]) => shape(value[key]))
}

/** Of that shape, or absent. */
export const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined || shape(value)

export const bin =
  (length?: number): Shape =>
  (value) =>
    isBytes(value, length)

export const count =
  (most?: number): Shape =>
  (value) =>
    isCount(value, most)

/** How snapshots and directories name codecs. */
export const isCodecRecord = isMapOf({ stage: isText, version: isText, settings: isMap })

function isWithin(value: number, most: number): boolean {
  return value >= 0 && value <= most
}
