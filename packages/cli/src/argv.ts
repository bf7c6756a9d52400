/**
 * `-to` is what people write who come from other tools; no command has a flag `-t`, so that exact word, and no other,
 * is read as `--to`. What follows `--` is left alone.
 */
export function rewriteTo(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((word, index) => (word === '-to' && (end === -1 || index < end) ? '--to' : word))
}

/** Whether a failure is to be told as a JSON line, asked before the arguments are known to be right. */
export function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json')
}
