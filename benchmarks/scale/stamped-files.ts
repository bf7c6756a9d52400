import { constants, copyFileSync, existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { dropFolder, ownFolder } from '../../scripts/children.ts'
import { benchFolder } from '../data/series.ts'
import { passHour, writeStamped } from './stamped-database.ts'

/** To be raised whenever the generator writes something else. */
const generator = 1
export const hourlyShare = 0.15

/** A snapshot of about this many MiB and what it is an hour later; made when they are not there yet. */
export async function stampedFiles(mebibytes: number): Promise<readonly [hour0: string, hour1: string]> {
  const folder = join(benchFolder, `stamped-${mebibytes}-mib-v${generator}`)
  const files = (parent: string) => ['hour-0.db', 'hour-1.db'].map((name) => join(parent, name)) as [string, string]
  if (existsSync(folder)) return files(folder)
  mkdirSync(benchFolder, { recursive: true })
  const draft = ownFolder('.new-', benchFolder)
  try {
    const [hour0, hour1] = files(draft)
    await writeStamped(hour0, mebibytes * 2 ** 20)
    copyFileSync(hour0, hour1, constants.COPYFILE_EXCL)
    await passHour(hour1, 1, hourlyShare)
    renameSync(draft, folder)
  } finally {
    dropFolder(draft)
  }
  return files(folder)
}
