// What `dist/main.js` of a bundle is: it runs `main.script.js` with the code that was compiled when the same command ran before. The
// cache of node itself holds no function that is compiled when it is first called, and so most of what a command needs is not in it.
// `scriptDigest` is filled in by the build.
const { readFileSync, renameSync, writeFileSync } = process.getBuiltinModule('node:fs')
const { createRequire, getCompileCacheDir } = process.getBuiltinModule('node:module')
const { hash } = process.getBuiltinModule('node:crypto')
const { Script } = process.getBuiltinModule('node:vm')

const filename = `${import.meta.dirname}/main.script.js`
const place = placeOfCache()
const script = compile(place && readCache(place))
await script.runInThisContext()(createRequire(import.meta.url), import.meta, (url) => import(url))

/** The cache does not stay in memory. */
function compile(cachedData) {
  const compiled = new Script(readFileSync(filename, 'latin1'), { filename, cachedData })
  const isOld = cachedData === undefined || compiled.cachedDataRejected
  if (place && isOld) process.on('exit', (code) => code === 0 && writeCache(place))
  cachedData?.buffer.transfer(0)
  return compiled
}

/** Each command compiles other functions. Beside what node caches: for this version of node and its flags. */
function placeOfCache() {
  const folder = getCompileCacheDir()
  const [, , command] = process.argv
  return folder && /^[a-z]{1,16}$/.test(command ?? '') ? `${folder}/kpipe-${scriptDigest}-${command}` : undefined
}

/** Undefined unless it is whole: the SHA-256 of what follows comes first. */
function readCache(path) {
  try {
    const bytes = readFileSync(path)
    const data = bytes.subarray(32)
    return hash('sha256', data, 'hex') === bytes.toString('hex', 0, 32) ? data : undefined
  } catch {
    return undefined
  }
}

/** Without it the next start is slower, and that is all. */
function writeCache(path) {
  try {
    const data = script.createCachedData()
    const draft = `${path}.${process.pid}`
    writeFileSync(draft, Buffer.concat([Buffer.from(hash('sha256', data, 'hex'), 'hex'), data]), { mode: 0o600 })
    renameSync(draft, path)
  } catch {
    // No room, or no right to write there.
  }
}
