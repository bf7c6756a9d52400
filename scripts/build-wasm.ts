import { writeFileSync } from 'node:fs'
import { compiledLook, lookCodeFile } from './build/compile-look.ts'

writeFileSync(lookCodeFile, compiledLook())
