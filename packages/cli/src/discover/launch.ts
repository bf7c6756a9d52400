/** Where something was found that starts an etcd. */
export type PlaceKind = 'manifest' | 'config' | 'unit' | 'process' | 'kubectl' | 'environment' | 'apiserver'

/** How one etcd is started, as one place tells it. */
export interface Launch {
  readonly kind: PlaceKind
  /** For people: a path, `process 812`. */
  readonly place: string
  /** What follows the program. */
  readonly args: readonly string[]
  readonly env: ReadonlyMap<string, Said>
  /** What configuration file it is told by something else than argument or variable. */
  readonly configFile?: string
  /** The path on this host of what etcd calls `path`; undefined when that is not known. */
  hostPath(path: string): string | undefined
  /** Where its relative paths begin, as it calls it. */
  readonly folder: string | undefined
  /** It runs on this host, and its loopback is ours. */
  readonly local: boolean
  /** What a reader of that place had to leave out. */
  readonly notes: readonly string[]
}

/** A text, and where it stands. */
export interface Said {
  readonly value: string
  readonly from: string
}

/** Variables of one place. */
export function saidIn(from: string, values: Iterable<readonly [string, string]>): Map<string, Said> {
  return new Map([...values].map(([name, value]) => [name, { value, from: `${name} in ${from}` }]))
}

/** A variable that stands in a text because nobody knows its value. */
export function unresolved(text: string): string | undefined {
  return /\$(?:\([^)]*\)|\{[^}]*\}|[A-Za-z_]\w*)/.exec(text)?.[0]
}
