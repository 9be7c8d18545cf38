import { readFile } from 'node:fs/promises'

/** Per second; Linux shows all programs the same. */
const CLOCK_TICKS = 100

/** The processor time that a process has used since its start, in seconds. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  // The fields after the name, which is in parentheses and may hold spaces: user and system time are the 14th and 15th of all.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS
}

/** Memory of a process, in MB. */
export interface Memory {
  resident: number
  /** The part that only this process has: the rest is files, the store's among them, that the system can take back. */
  anonymous: number
}

export async function memory(pid: number): Promise<Memory> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const mb = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
  return { resident: mb('VmRSS'), anonymous: mb('RssAnon') }
}
