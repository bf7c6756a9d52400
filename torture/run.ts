import { tortureCommand } from '../packages/repository/torture/command.ts'
import { suites } from '../packages/repository/torture/suites/index.ts'
import { killSuite } from './suites/kill.ts'
import { largeDatabaseSuite } from './suites/large-database.ts'
import { largeStreamSuite } from './suites/large-stream.ts'
import { sideBySideSuite } from './suites/side-by-side.ts'

// npm run torture -- [suite …] [--seed N] [--share 1/20] [--case N] [--results FILE]

await tortureCommand([...suites, killSuite, sideBySideSuite, largeStreamSuite, largeDatabaseSuite])
