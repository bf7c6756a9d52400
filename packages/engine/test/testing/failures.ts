import type { ConformanceCase } from '@kpipe/engine/testing'

/** What each case that fails says, by its title. */
export async function failures(cases: readonly ConformanceCase[]): Promise<Record<string, string>> {
  const failed: Record<string, string> = {}
  for (const { title, run } of cases) {
    try {
      await run()
    } catch (error) {
      failed[title] = (error as Error).message
    }
  }
  return failed
}
