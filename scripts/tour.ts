// What `npm start` runs once the dependencies are there.
import { dropFolder, ownFolder } from './children.ts'
import { tour } from './tour/tour.ts'

// npm start is at the other end; when it is killed, this goes too.
process.once('disconnect', () => process.kill(process.pid, 'SIGHUP'))
process.channel?.unref()

const folder = ownFolder('kpipe-tour-')
try {
  await tour(folder)
} catch (error) {
  console.error(`\nThe tour ends here: ${(error as Error).message}`)
  process.exitCode = 1
} finally {
  dropFolder(folder)
}
