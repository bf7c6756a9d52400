/** What is done on some hosts at a time. */
export interface Part {
  readonly hosts: readonly string[]
  /** Lines for a shell, each a command; a command may go over several lines. */
  readonly commands: readonly string[]
  readonly seen?: string
}

export interface Step {
  readonly title: string
  /** Paragraphs before the commands. */
  readonly text: readonly string[]
  readonly parts: readonly Part[]
}
