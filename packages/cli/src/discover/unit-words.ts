/** What an escape of systemd stands for; after `man systemd.service`, quoting. */
const escapes: Readonly<Record<string, string>> = { a: '\u0007', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', s: ' ' }

/** A line of a unit as words: quotes are taken off, escapes stand for what they mean. */
export function unitWords(line: string): string[] {
  const words: string[] = []
  let word: string | undefined
  let quote = ''
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at]!
    if (character === '\\') {
      const [piece, value] = escapeAt(line, at)
      word = (word ?? '') + value
      at += piece.length - 1
    } else if (quote !== '' ? character === quote : character === '"' || character === "'") {
      quote = quote === '' ? character : ''
      word ??= ''
    } else if (quote === '' && /\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else word = (word ?? '') + character
  }
  return word === undefined ? words : [...words, word]
}

function escapeAt(line: string, at: number): [piece: string, value: string] {
  const [piece, hex, octal] = /^\\(?:x([0-9a-f]{2})|([0-7]{3})|[^])?/i.exec(line.slice(at, at + 4))!
  if (hex !== undefined) return [piece, String.fromCodePoint(Number.parseInt(hex, 16))]
  if (octal !== undefined) return [piece, String.fromCodePoint(Number.parseInt(octal, 8) & 0xff)]
  return [piece, escapes[piece.slice(1)] ?? piece.slice(1)]
}

/**
 * Fills in variables as systemd does for commands: `${NAME}` anywhere, `$NAME` only as a word of its own, and that one is split at
 * blanks. One that is not set is empty. `$$` is a dollar sign.
 */
export function withVariables(words: readonly string[], variables: ReadonlyMap<string, string>): string[] {
  return words.flatMap((word) => {
    const [, name] = /^\$([A-Za-z_]\w*)$/.exec(word) ?? []
    if (name !== undefined) return unitWords(variables.get(name) ?? '')
    return [
      word.replace(/\$\$|\$\{([A-Za-z_]\w*)\}/g, (_piece, inside?: string) => (inside === undefined ? '$' : (variables.get(inside) ?? ''))),
    ]
  })
}
