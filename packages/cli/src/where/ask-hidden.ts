import { KpipeError } from '@kpipe/engine/contracts'

const [interrupt, endOfInput, backspace, remove, clearLine] = ['\u0003', '\u0004', '\b', '\u007F', '\u0015']

/** Asks on the terminal and shows nothing of the answer. @throws KpipeError KPIPE_INTERRUPTED on Ctrl-C */
export async function askHidden(question: string): Promise<string> {
  const { stdin, stderr } = process
  stderr.write(question)
  stdin.setRawMode(true)
  stdin.setEncoding('utf8')
  let answer = ''
  try {
    // The stream lives on: another question may follow.
    for await (const typed of stdin.iterator({ destroyOnReturn: false }) as AsyncIterable<string>) {
      for (const key of typed) {
        if (key === interrupt) throw new KpipeError('KPIPE_INTERRUPTED', 'stopped at a question')
        if (key === '\r' || key === '\n' || key === endOfInput) return answer
        if (key === backspace || key === remove) answer = answer.slice(0, -1)
        else if (key === clearLine) answer = ''
        else answer += key
      }
    }
    return answer
  } finally {
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}
