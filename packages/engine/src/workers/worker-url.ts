// The worker's own module tells where it is; `new URL` with a file name would break when sources become `.js`.
export const workerUrl = import.meta.resolve('@kpipe/engine/worker')
