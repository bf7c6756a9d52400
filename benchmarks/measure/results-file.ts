import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const results = join(import.meta.dirname, '../RESULTS.md')
const figures = join(import.meta.dirname, '../results.json')
const title = '# What was measured'
const preface = 'Printed by `npm run bench`; each section says when. `results.json` has the single runs.'

/** Replaces these sections of RESULTS.md, each between two marks, and leaves the others as they were. @param order names of all there may be */
export function keepSections(sections: ReadonlyMap<string, string>, order: readonly string[]): void {
  const kept = new Map([...(existsSync(results) ? sectionsOf(readFileSync(results, 'utf8')) : []), ...sections])
  const known = order.filter((name) => kept.has(name))
  const text = known.map((name) => `${markOf(name)}\n\n${kept.get(name)!.trim()}`)
  writeFileSync(results, `${[title, preface, ...text].join('\n\n')}\n`)
}

/** The same for the figures of these sections in results.json. */
export function keepAllFigures(of: Readonly<Record<string, unknown>>): void {
  const kept = existsSync(figures) ? (JSON.parse(readFileSync(figures, 'utf8')) as object) : {}
  writeFileSync(figures, `${JSON.stringify({ ...kept, ...of }, undefined, 1)}\n`)
}

const markOf = (name: string): string => `<!-- ${name} -->`

function sectionsOf(text: string): [string, string][] {
  return text
    .split(/^<!-- /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf(' -->')
      return [part.slice(0, end), part.slice(end + 4)]
    })
}
