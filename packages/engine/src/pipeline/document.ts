import type { Document, Node, Pair } from 'yaml'
import type { Problem } from './problem.ts'

export type Path = readonly (string | number)[]

/** A YAML text as plain values that know where they stand. */
export interface PipelineDocument {
  readonly value: unknown
  /** Offsets of a value, or of the name before it; of the nearest thing around it when there is no such value. */
  rangeOf(path: Path, at: 'key' | 'value'): { readonly start: number; readonly end: number }
  has(path: Path): boolean
  /** A string value as it stands in the file, before anything is filled in. */
  written(path: Path): string | undefined
}

/** Aliases can blow a small text up to any size. */
const maxNodes = 5000
const maxDepth = 50

/**
 * @param changeString gets each string value with the offsets of its text, and may replace it
 * @param problems what is wrong with the text is added to it
 * @returns undefined when nothing can be made of the text
 */
export async function parseDocument(
  text: string,
  problems: Problem[],
  changeString: (value: string, start: number, end: number) => string,
): Promise<PipelineDocument | undefined> {
  const yaml = await import('yaml')
  const document: Document = yaml.parseDocument(text, { prettyErrors: false, uniqueKeys: true })
  problems.push(...textProblems(text, [...document.errors, ...document.warnings]))
  // A name that stands twice does not keep the rest from being looked at.
  if (document.errors.some(({ code }) => code !== 'DUPLICATE_KEY')) return undefined

  let nodes = 0
  const follow = (node: unknown): Node | undefined => (yaml.isAlias(node) ? node.resolve(document) : (node as Node | null)) ?? undefined
  const changed = new Map<Node, string>()

  const tooLarge = new Error(`the file holds more than ${maxNodes} values or goes deeper than ${maxDepth}, aliases followed`)

  function plain(given: unknown, depth: number): unknown {
    if (++nodes > maxNodes || depth > maxDepth) throw tooLarge
    const node = follow(given)
    if (yaml.isMap(node)) return Object.fromEntries(node.items.map((pair) => [keyOf(pair), plain(pair.value, depth + 1)]))
    if (yaml.isSeq(node)) return node.items.map((item) => plain(item, depth + 1))
    if (!yaml.isScalar(node)) return null
    if (typeof node.value !== 'string') return node.value
    const value = changed.get(node) ?? changeString(node.value, ...offsets(node))
    changed.set(node, value)
    return value
  }

  function rangeOf(path: Path, at: 'key' | 'value'): { start: number; end: number } {
    let node = follow(document.contents)
    let [start, end] = firstKey(node) ?? [0, 0]
    for (const [i, name] of path.entries()) {
      const last = i === path.length - 1
      if (yaml.isMap(node)) {
        const pair = node.items.find((item) => keyOf(item) === name)
        if (pair === undefined) break
        node = follow(pair.value)
        ;[start, end] = (last && at === 'value' && written(node)) || offsets(pair.key as Node)
      } else if (yaml.isSeq(node) && typeof name === 'number') {
        node = follow(node.items[name])
        ;[start, end] = firstKey(node) ?? (node ? offsets(node) : [start, end])
      } else break
    }
    return { start, end }
  }

  function nodeAt(path: Path): Node | undefined {
    let node = follow(document.contents)
    for (const name of path) {
      if (yaml.isMap(node)) node = follow(node.items.find((item) => keyOf(item) === name)?.value)
      else node = yaml.isSeq(node) && typeof name === 'number' ? follow(node.items[name]) : undefined
    }
    return node
  }

  function writtenAt(path: Path): string | undefined {
    const node = nodeAt(path)
    return yaml.isScalar(node) && typeof node.value === 'string' ? node.value : undefined
  }

  function firstKey(node: Node | undefined): [number, number] | undefined {
    return yaml.isMap(node) && node.items.length > 0 ? offsets(node.items[0].key as Node) : undefined
  }

  try {
    return { value: plain(document.contents, 0), rangeOf, has: (path) => nodeAt(path) !== undefined, written: writtenAt }
  } catch (error) {
    if (error !== tooLarge) throw error
    problems.push({ start: 0, end: 0, message: tooLarge.message })
    return undefined
  }
}

/** YAML takes the brace of a `${…}` without quotes for a map's, wherever braces mean maps; what it says after that is no news. */
function textProblems(text: string, found: readonly { readonly message: string; readonly pos: readonly [number, number] }[]): Problem[] {
  const unquoted = [...text.matchAll(/\$\{[^}\n]*\}/g)]
    .map((match) => ({ start: match.index, end: match.index + match[0].length, piece: match[0] }))
    .filter(({ start, end }) => found.some(({ pos: [at] }) => at >= start && at < end))
    .map(({ start, end, piece }) => ({ start, end, message: `${piece} stands without quotes where a brace begins a map`, unquoted: piece }))
  const first = unquoted[0]?.start ?? Infinity
  return [...found.filter(({ pos: [at] }) => at < first).map(({ message, pos: [start, end] }) => ({ start, end, message })), ...unquoted]
}

function keyOf({ key }: Pair): string {
  return String((key as { value?: unknown } | null)?.value ?? key)
}

function offsets(node: Node): [number, number] {
  const [start = 0, end = 0] = node.range ?? []
  return [start, end]
}

/** An empty value has a place, but no text. */
function written(node: Node | undefined): [number, number] | undefined {
  const [start, end] = node ? offsets(node) : [0, 0]
  return end > start ? [start, end] : undefined
}
