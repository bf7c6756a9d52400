/** Something that reads what a stranger may have written. */
export interface Decoder {
  readonly name: string
  /** True inputs. */
  readonly samples: readonly Buffer[]
  /** Whether they are msgpack, so that values in them can be altered. */
  readonly isMsgpack: boolean
  /** Makes of altered bytes what passes the checks in front of the decoder: a digest, a seal. */
  readonly finish?: ((bytes: Buffer, dice: () => number) => Buffer) | undefined
  /** Decodes, and uses what came of it as its callers do. */
  take(bytes: Buffer, dice: () => number): void | Promise<void>
  /** Whether an error is one that it is said to throw. */
  isDocumented(error: unknown): boolean
}

/** A RangeError as decoders throw it, and not the engine's own when a stack or an allocation has no end. */
export function isRangeError(error: unknown): boolean {
  if (!(error instanceof RangeError)) return false
  const texts = [error.message, (error.cause as Error | undefined)?.message ?? '']
  return !texts.some((text) => /call stack|allocation|Invalid array length|Invalid array buffer length/.test(text))
}
