/** Colours of kpipe's own; nothing else that plays with a terminal. */
const colours = String.raw`\u001B\[(?:0|1|2|22|31|32|33|39)m`
/** Control characters but tab and line feed, separators of lines, and what turns the direction of text around. */
const unseen = String.raw`[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]`
const pattern = new RegExp(`(${colours})|${unseen}`, 'g')
const wholePattern = new RegExp(`${unseen}|[\\n\\t]`, 'g')

/**
 * Text that others may have chosen (names of objects, messages of servers, tags), as it may go to a terminal: what a terminal would
 * act on is shown as `\u001b`, which inside of JSON also means the same as before. Line feeds, tabs and kpipe's own colours stay.
 */
export function visible(text: string): string {
  return text.replaceAll(pattern, (seen, colour?: string) => colour ?? escaped(seen))
}

/** The same for one word or line: nothing in it ends the line, and it has no colours. */
export function visibleLine(text: string): string {
  return text.replaceAll(wholePattern, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
