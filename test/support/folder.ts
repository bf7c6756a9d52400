import { dropFolder, ownFolder } from '../../scripts/children.ts'

/** A temporary folder that is removed when the test ends. */
export function testFolder(t: { after(done: () => void): void }): string {
  const folder = ownFolder('kpipe-test-')
  t.after(() => dropFolder(folder))
  return folder
}
