import { setTimeout as sleep } from 'node:timers/promises'

export type WaitOptions = { readonly seconds?: number; readonly everyMs?: number }

/**
 * Looks until something is there, and gives it. What `look` throws is what was seen instead: the last of it ends the
 * message when patience does.
 */
export async function waitFor<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  { seconds = 60, everyMs = 50 }: WaitOptions = {},
): Promise<T> {
  const limit = performance.now() + seconds * 1000
  let instead = ''
  for (;;) {
    try {
      const found = await look()
      if (found !== undefined) return found
      instead = ''
    } catch (error) {
      instead = `; seen instead: ${error instanceof Error ? error.message : String(error)}`
    }
    if (performance.now() > limit) throw new Error(`waited ${seconds} s for ${what}${instead}`)
    await sleep(everyMs)
  }
}

/** `1.24 s`, of milliseconds. */
export function inSeconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 9_950 ? 2 : 0)} s`
}
