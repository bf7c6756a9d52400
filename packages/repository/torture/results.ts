import type { Result } from './run-suite.ts'

/** A table in Markdown, a row for each suite. */
export function resultsTable(results: readonly Result[]): string {
  const rows = results.map(({ name, cases, fired, seconds }) => {
    const kinds = [...fired].map(([kind, times]) => `${kind} ${grouped(times)}`).join(', ')
    return `| ${name} | ${grouped(cases)} | ${kinds} | ${seconds.toFixed(0)} |`
  })
  return ['| suite | cases | faults that fired, by kind | s |', '| --- | ---: | --- | ---: |', ...rows, ''].join('\n')
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}
