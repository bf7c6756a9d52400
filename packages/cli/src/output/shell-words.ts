/** A word as a shell takes it for one. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}

/** A command on one line. */
export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ')
}

/** The same on several lines, a flag and its value on each after the first. */
export function shellLines(words: readonly string[]): string {
  const parts: string[][] = [[]]
  for (const word of words) {
    if (word.startsWith('--')) parts.push([])
    parts.at(-1)!.push(shellWord(word))
  }
  return parts.map((part) => part.join(' ')).join(' \\\n  ')
}
