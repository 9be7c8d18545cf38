import { writeFile } from 'node:fs/promises'

/**
 * Records where a running process spends its time while something happens, over its inspector.
 *
 * @param port of the inspector
 * @param file gets the profile, in the form that Chrome's and VS Code's tools open
 */
export async function profile<T>(port: number, file: string, work: () => Promise<T>): Promise<T> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as { webSocketDebuggerUrl: string }[]
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '')
  const answers = new Map<number, (result: unknown) => void>()
  const gone = Promise.withResolvers<never>()
  gone.promise.catch(() => {})
  socket.onclose = () => gone.reject(new Error('the inspector went away'))
  let last = 0
  socket.onmessage = ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown }
    if (id !== undefined) answers.get(id)?.(result)
  }
  const call = (method: string, params: object = {}) =>
    Promise.race([
      gone.promise,
      new Promise<unknown>((resolve) => {
        answers.set(++last, resolve)
        socket.send(JSON.stringify({ id: last, method, params }))
      }),
    ])
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error('the inspector can not be reached'))
  })
  await call('Profiler.enable')
  await call('Profiler.setSamplingInterval', { interval: 200 })
  await call('Profiler.start')
  const done = await work()
  const { profile } = (await call('Profiler.stop')) as { profile: unknown }
  await writeFile(file, JSON.stringify(profile))
  socket.close()
  return done
}
