/** Runs the rest of the way of a request, and `done` when that is over, whether it succeeds; at once when there is nothing to wait for. */
export function ending(rest: () => void | Promise<void>, done: () => void): void | Promise<void> {
  let pending: void | Promise<void>
  try {
    pending = rest()
  } catch (error) {
    done()
    throw error
  }
  if (!pending) return done()
  return pending.finally(done)
}
