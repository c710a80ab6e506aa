/** Durations as people type them, and times as they read them. */
import { InvalidArgumentError } from 'commander'

const units: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const part = /(\d{1,6})([smhd])/g

/** `90s`, `2h`, `1h30m`, `3d` in milliseconds; for an option of commander. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(part)]
  const ms = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (units[unit ?? ''] ?? 0), 0)
  if (parts.map(([all]) => all).join('') === text && ms > 0) return ms
  throw new InvalidArgumentError('It must be a duration such as 30m, 2h, 1h30m or 3d.')
}

/** As kubectl tells an age: `45s`, `12m`, `5h`, `3d`. */
export function ageOf(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 120) return `${seconds}s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`
  return `${Math.floor(seconds / 86_400)}d`
}
