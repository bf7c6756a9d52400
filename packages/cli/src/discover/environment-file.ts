/**
 * Variables of a file that a unit names with EnvironmentFile=, after `man systemd.exec`: a line each, quoted as in a shell, `#` and `;`
 * begin comments, a backslash at the end goes on with the next line. Nothing is filled in.
 */
export function environmentFile(text: string): [name: string, value: string][] {
  const found: [string, string][] = []
  for (let at = 0; at < text.length;) {
    const [line] = /^[^\n]*\n?/.exec(text.slice(at))!
    const [, indent, name, blanks] = /^(\s*(?:export\s+)?)([A-Za-z_]\w*)=([^\S\n]*)/.exec(line) ?? []
    if (name === undefined) {
      at += /^\s*[#;]/.test(line) ? commentLength(text.slice(at)) : line.length
      continue
    }
    const { value, length } = valueAt(text, at + indent!.length + name.length + 1 + blanks!.length)
    found.push([name, value])
    at = length
  }
  return found
}

/** Comments go on, too, after a backslash. */
function commentLength(rest: string): number {
  return /^(?:[^\\\n]|\\[^])*\n?/.exec(rest)![0].length || 1
}

/** A value, and where the text goes on. Quotes count at its beginning and behind another quoted part; elsewhere they are characters. */
function valueAt(text: string, from: number): { value: string; length: number } {
  let [value, kept, quote, isBare] = ['', 0, '', false]
  let at = from
  for (; at < text.length; at += 1) {
    const character = text[at]!
    if (quote === '' && character === '\n') break
    if (character === '\\' && quote !== "'") {
      const next = text[(at += 1)] ?? ''
      isBare ||= quote === ''
      if (next === '\n') continue
      value += quote === '"' && !'"\\`$'.includes(next) ? `\\${next}` : next
      kept = value.length
    } else if (quote !== '' && character === quote) quote = ''
    else if (quote === '' && !isBare && (character === '"' || character === "'")) quote = character
    else if (quote === '' && !isBare && /\s/.test(character)) continue
    else {
      isBare ||= quote === ''
      value += character
      if (quote !== '' || !/\s/.test(character)) kept = value.length
    }
  }
  return { value: value.slice(0, kept), length: at + 1 }
}
