import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'

/** Longer lines are cut into several. */
const maxLineLength = 4096

/** Calls `onLine` for each line of text, without control characters; resolves at the end of the stream, or when it is destroyed. */
export function readLines(stream: Readable, onLine: (line: string) => void): Promise<void> {
  let rest = ''
  const tell = (line: string) => {
    // oxlint-disable-next-line no-control-regex -- these would play with the terminal
    const plain = stripVTControlCharacters(line).replaceAll(/[\u0000-\u0008\u000B-\u001F\u007F]/g, '')
    if (plain !== '') onLine(plain)
  }
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (; rest.length > maxLineLength; rest = rest.slice(maxLineLength)) lines.push(rest.slice(0, maxLineLength))
    for (const line of lines) tell(line)
  })
  return new Promise((done) => {
    stream.on('error', () => undefined) // The pipe of a command that has ended: there is nothing more to read.
    stream.once('close', () => {
      tell(rest)
      done()
    })
  })
}
