// What `npm run build` runs: all packages as they are published, in `build/packages`, and the bundle in `build/bundle`.
import { join } from 'node:path'
import { buildPackages } from './build/build-packages.ts'
import { bundle } from './build/bundle.ts'
import { clone } from './build/workspace.ts'

const packages = await buildPackages(join(clone, 'build/packages'))
await bundle(join(clone, 'build/bundle'))
console.log(`${packages.size} packages are in build/packages, the bundle is in build/bundle`)
