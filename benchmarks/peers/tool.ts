/** What is run, from spawn to exit. */
export interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
}

/**
 * One way to keep backups. All that it keeps lies in the folder `place`, which is always the same one when it runs; a copy of it elsewhere is
 * a repository of that moment.
 */
export interface Tool {
  readonly name: string
  readonly version: string
  /** How it was told to work, and where that is its default. */
  readonly settings: string
  /** Makes an empty repository. */
  init(place: string): readonly Command[]
  /** Backs up one file. @param label differs from backup to backup */
  backUp(place: string, file: string, label: string): Command
  /** Restores the backup of this label, the latest, into an empty folder, below which the file then lies. */
  restore(place: string, label: string, to: string): Command
  list(place: string): Command
  /** The folder whose bytes count. */
  repository(place: string): string
}
