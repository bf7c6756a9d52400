import { filePages } from '@kpipe/bolt'
import type { Pages } from '@kpipe/bolt'

/** Runs `work` on a database in a file. @throws BoltError */
export async function withPages<Result>(file: string, work: (pages: Pages) => Promise<Result>): Promise<Result> {
  const pages = await filePages(file)
  try {
    return await work(pages)
  } finally {
    await pages.close()
  }
}
