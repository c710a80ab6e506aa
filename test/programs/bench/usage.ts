/** What a process has used, as Linux counts it. Elsewhere nothing is known. */
import { readdir, readFile } from 'node:fs/promises'

/** Linux tells CPU time in hundredths of a second on every platform that Node runs on. */
const ticksPerSecond = 100

/** CPU seconds of all threads so far, user and system. */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  // The program's name comes second, in parentheses, and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

/** The most resident memory ever, in MB. */
export async function peakMemory(pid: number): Promise<number> {
  return inMegabytes(await statusOf(pid), 'VmHWM')
}

/** The resident memory now, in MB. */
export async function residentMemory(pid: number): Promise<number> {
  return inMegabytes(await statusOf(pid), 'VmRSS')
}

const statusOf = (pid: number) => readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')

function inMegabytes(status: string, field: string): number {
  return (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6
}

/** Files, sockets and pipes that it has open. */
export async function openHandles(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(() => [])).length
}
