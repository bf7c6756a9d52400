// npm start: a tour of kpipe.
import { launch } from './launch.mjs'

try {
  await launch('tour.ts')
} catch (error) {
  console.error(error.message)
  process.exitCode = 1
}
