// npm test: all checks. The last line is `N passed, N failed`.
import { launch } from './launch.mjs'

try {
  await launch('check.ts')
} catch (error) {
  console.error(error.message)
  console.log('0 passed, 1 failed')
  process.exitCode = 1
}
