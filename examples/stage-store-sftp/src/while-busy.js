/**
 * Wraps work that needs the socket. A store is opened and never closed: while nothing is asked of it, its connection
 * keeps no process from ending.
 */
export function whileBusy(socket) {
  let busy = 0
  socket.unref()
  return async (work) => {
    if (busy++ === 0) socket.ref()
    try {
      return await work()
    } finally {
      if (--busy === 0) socket.unref()
    }
  }
}
