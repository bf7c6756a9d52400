import { tortureCommand } from './command.ts'
import { suites } from './suites/index.ts'

// npm run torture -- [suite …] [--seed N] [--share 1/20] [--case N] [--results FILE]

await tortureCommand(suites)
