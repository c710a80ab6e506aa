import { mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

const temporaryPrefix = '.build-'
/** No build lasts that long: what is older was left by a killed one. */
const abandonedAfter = 6 * 3600_000

/** Gives the work a temporary folder in the parent, where a result can be renamed from, and removes it afterwards. */
export async function inWorkFolder(parent: string, work: (folder: string) => Promise<void>): Promise<void> {
  await mkdir(parent, { recursive: true })
  await removeAbandoned(parent)
  const folder = await mkdtemp(join(parent, temporaryPrefix))
  try {
    await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function removeAbandoned(parent: string): Promise<void> {
  const names = (await readdir(parent)).filter((name) => name.startsWith(temporaryPrefix))
  for (const path of names.map((name) => join(parent, name))) {
    const { mtimeMs } = await stat(path)
    if (Date.now() - mtimeMs > abandonedAfter) await rm(path, { recursive: true, force: true })
  }
}
