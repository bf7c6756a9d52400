/** The name that was probably meant. The engine is imported only for this, because only a mistake needs it. */
export async function nearestName(word: string, names: readonly string[]): Promise<string | undefined> {
  return (await import('@kpipe/engine')).nearest(word, names)
}
