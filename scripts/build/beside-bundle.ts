// Takes the place of `import.meta.resolve` in a bundle: esbuild puts it into every file that asks for it.
// Stages and the worker are files beside the one that asks, so that nothing but this folder is needed.
export function resolveBeside(specifier: string): string {
  const name = specifier === '@kpipe/engine/worker' ? 'engine-worker' : /^@kpipe\/(stage-[a-z0-9-]+)$/.exec(specifier)?.[1]
  if (name === undefined || !bundledModules.split(' ').includes(name)) throw new Error(`${specifier} is not in this bundle`)
  return `${import.meta.url.slice(0, import.meta.url.lastIndexOf('/'))}/${name}.js`
}

/** Names with blanks between them, filled in by the build: esbuild cannot put a list into an injected file. */
declare const bundledModules: string
