/** A unit and its drop-ins, in the order in which systemd reads them. */
export interface UnitText {
  readonly path: string
  readonly text: string
}

/** One assignment of a section, with the file that has it. */
export interface UnitSetting {
  readonly name: string
  readonly value: string
  readonly path: string
}

/** Settings of `[Service]`, in order. An empty value takes back all before it of the same name, as systemd has it for lists. */
export function serviceSettings(texts: readonly UnitText[]): UnitSetting[] {
  let settings: UnitSetting[] = []
  for (const { path, text } of texts) {
    let section = ''
    for (const line of joinedLines(text)) {
      const [, heading] = /^\[([^\]]*)\]\s*$/.exec(line) ?? []
      if (heading !== undefined) section = heading
      const [, name, value] = /^([A-Za-z]\w*)\s*=\s*([^]*?)\s*$/.exec(line) ?? []
      if (name === undefined || section !== 'Service') continue
      if (value === '') settings = settings.filter((setting) => setting.name !== name)
      else settings.push({ name, value: value!, path })
    }
  }
  return settings
}

/** Lines without comments; one that ends with a backslash goes on after the comments that follow it. */
function joinedLines(text: string): string[] {
  const lines: string[] = []
  let begun: string | undefined
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line)) continue
    const whole = begun === undefined ? line.trimStart() : `${begun} ${line.trimStart()}`
    const goesOn = /(?:^|[^\\])(?:\\\\)*\\$/.test(line)
    begun = goesOn ? whole.slice(0, -1).trimEnd() : undefined
    if (!goesOn) lines.push(whole)
  }
  return begun === undefined ? lines : [...lines, begun]
}

/** Whether a text is a unit of systemd. */
export function isUnit(text: string): boolean {
  return /^\s*\[(?:Unit|Service)\]\s*$/m.test(text)
}
