/** A Markdown table; columns of numbers, but for the first, are written to the right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const right = head.map(
    (_, column) => column > 0 && rows.some((row) => typeof row[column] === 'number' || /^[<≤]?[\d.]/.test(String(row[column]))),
  )
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(right.map((numeric) => (numeric ? '---:' : '---'))), ...rows.map(line)].join('\n')
}

export const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 3 : 2)

export const percent = (share: number): string => `${(share * 100).toFixed(2)} %`
