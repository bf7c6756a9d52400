const shells = ['sh', 'bash', 'ash', 'dash', 'zsh']

/** What follows a program in a command line, be it in a script that a shell is given with `-c`; undefined where it is not started. */
export function argumentsOf(program: string, words: readonly string[], variables: ReadonlyMap<string, string>): ProgramCall | undefined {
  const script = scriptIn(words)
  for (const command of script === undefined ? [words] : shellCommands(script, variables)) {
    const at = command.findIndex((word, index) => isProgram(program, word) && (command[index + 1] ?? '-').startsWith('-'))
    if (at < 0) continue
    const assigned = command.slice(0, at).flatMap((word) => {
      const [, name, value] = /^([A-Za-z_]\w*)=([^]*)$/.exec(word) ?? []
      return name === undefined ? [] : [[name, value!] as const]
    })
    return { args: command.slice(at + 1), assigned }
  }
  return undefined
}

export interface ProgramCall {
  readonly args: readonly string[]
  /** Variables that stand before it, as in `ETCD_NAME=a etcd`. */
  readonly assigned: readonly (readonly [string, string])[]
}

/** Whether a word is a program, by name or path. */
export function isProgram(program: string, word: string | undefined): boolean {
  return word !== undefined && word.slice(word.lastIndexOf('/') + 1) === program
}

function scriptIn([program = '', ...words]: readonly string[]): string | undefined {
  if (!shells.includes(program.slice(program.lastIndexOf('/') + 1))) return undefined
  const at = words.findIndex((word) => /^-[a-z]*c$/.test(word))
  return at < 0 ? undefined : words[at + 1]
}

/** Characters that end a command and are none of its words. */
const separators = new Set(['\n', ';', '&', '|', '<', '>'])

/**
 * The commands of a script as words: quotes, backslashes, comments and plain variables. What a shell would have to be run for
 * (`$(…)`, loops, conditions) stays as it is written.
 */
export function shellCommands(script: string, variables: ReadonlyMap<string, string>): string[][] {
  const commands: string[][] = [[]]
  let word: string | undefined
  let quote = ''
  const endWord = () => {
    if (word !== undefined) commands.at(-1)!.push(word)
    word = undefined
  }
  for (let at = 0; at < script.length; at += 1) {
    const character = script[at]!
    if (character === '\\' && quote !== "'") {
      const next = script[(at += 1)] ?? ''
      if (next !== '\n') word = (word ?? '') + (quote === '"' && !'"\\$`'.includes(next) ? `\\${next}` : next)
    } else if (quote !== '' ? character === quote : character === '"' || character === "'") {
      quote = quote === '' ? character : ''
      word ??= ''
    } else if (character === '$' && quote !== "'") {
      const piece = variableAt(script, at)
      word = (word ?? '') + valueOf(piece, variables)
      at += piece.length - 1
    } else if (quote !== '') word += character
    else if (separators.has(character)) {
      endWord()
      commands.push([])
    } else if (/\s/.test(character)) endWord()
    else if (character === '#' && word === undefined) at = endOfLine(script, at) - 1
    else word = (word ?? '') + character
  }
  endWord()
  return commands.filter((command) => command.length > 0)
}

/** `$NAME`, `${NAME}`, `${NAME:-value}`, `$(command)` or the dollar sign alone. */
function variableAt(script: string, at: number): string {
  const [plain] = /^\$(?:\w+|\{[^}]*\}|[^\s\w({"'])?/.exec(script.slice(at, at + 1000)) ?? ['$']
  if (script[at + 1] !== '(') return plain
  let depth = 0
  for (let end = at + 1; end < script.length; end += 1) {
    if (script[end] === '(') depth += 1
    if (script[end] === ')' && (depth -= 1) === 0) return script.slice(at, end + 1)
  }
  return script.slice(at)
}

function valueOf(piece: string, variables: ReadonlyMap<string, string>): string {
  const [, name = '', , fallback] = /^\$\{?([A-Za-z_]\w*)(:?-([^}]*))?\}?$/.exec(piece) ?? []
  return variables.get(name) ?? fallback ?? piece
}

function endOfLine(script: string, from: number): number {
  const end = script.indexOf('\n', from)
  return end < 0 ? script.length : end
}
