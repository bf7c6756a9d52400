/** Imports a stage's module. In a file of its own: a bundle holds some of them, and puts its own function here. */
export function importModule(url: string): Promise<{ default?: unknown }> {
  return import(url) as Promise<{ default?: unknown }>
}
