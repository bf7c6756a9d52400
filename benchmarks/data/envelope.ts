/** A length-delimited protobuf field. */
export function field(number: number, content: Buffer | string): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes])
}

export function varintField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)])
}

/** google.protobuf.Timestamp-like: field 1 holds the seconds. */
export function time(number: number, seconds: number): Buffer {
  return field(number, varintField(1, seconds))
}

/** The way in which an apiserver stores built-in objects: `k8s\0`, then runtime.Unknown with type and raw object. */
export function stored(apiVersion: string, kind: string, object: readonly Buffer[]): Buffer {
  const type = Buffer.concat([field(1, apiVersion), field(2, kind)])
  return Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, Buffer.concat(object)), field(3, ''), field(4, '')])
}

function varint(value: number): Buffer {
  const bytes = []
  for (; value > 127; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return Buffer.from([...bytes, value])
}
