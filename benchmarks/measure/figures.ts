import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const folder = join(import.meta.dirname, '../../.cache/bench/figures')

/** Keeps what a benchmark measured, as plain data, for the goals and for the results' JSON. */
export function keepFigures(section: string, figures: object): void {
  const file = join(folder, `${section}.json`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${JSON.stringify({ measured: new Date().toISOString().slice(0, 10), ...figures }, undefined, 1)}\n`)
}

/** What the benchmark of this name kept last; undefined when it has never run here. */
export function keptFigures<Figures>(section: string): (Figures & { readonly measured: string }) | undefined {
  const file = join(folder, `${section}.json`)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}
