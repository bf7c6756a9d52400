// What `npm start` runs once the dependencies are there.
import { dropFolder, ownFolder } from './children.ts'
import { tour } from './tour/tour.ts'
import { endWithParent } from './with-parent.ts'

endWithParent()
const folder = ownFolder('kpipe-tour-')
try {
  await tour(folder)
} catch (error) {
  console.error(`\nThe tour ends here: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  dropFolder(folder)
}
