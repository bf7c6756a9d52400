const strangers: readonly unknown[] = [
  undefined,
  null,
  true,
  -1,
  1.5,
  7,
  2 ** 40,
  'text',
  [],
  [1],
  {},
  Buffer.alloc(0),
  Buffer.alloc(5, 255),
]

/** Every value of a tree replaced by every stranger, one at a time. */
export function* mutants(value: unknown): Generator<unknown> {
  yield* strangers
  if (Array.isArray(value)) for (const [at, item] of value.entries()) for (const other of mutants(item)) yield value.with(at, other)
  else if (value instanceof Uint8Array) {
    yield value.subarray(1)
    yield Buffer.concat([value, Buffer.alloc(1, 255)])
  } else if (typeof value === 'object' && value !== null)
    for (const [key, item] of Object.entries(value)) for (const other of mutants(item)) yield { ...value, [key]: other }
}
