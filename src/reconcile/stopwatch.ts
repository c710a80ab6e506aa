/** How long it takes until ZStack is read to be as declared, from the moment that something was to be done. */
import type { Clock } from '../clock.ts'
import type { Outcome } from '../decide/outcome.ts'

export type ConvergenceCause = 'SpecChanged' | 'DriftCorrected'

export type OnConverged = (cause: ConvergenceCause, seconds: number) => void

export interface Stopwatch {
  /** The watch showed a person's change. */
  changed(key: string): void
  /** A pass begins; call what this returns with how it ended. */
  begin(key: string): (outcome: Outcome, isUpdated: boolean) => void
  /** There is no such object any more. */
  forget(key: string): void
}

type Measurement = {
  readonly since: number
  /** The last change of a person's. */
  readonly changed: number
  readonly cause: ConvergenceCause
  /** Whether there was anything to be done in ZStack. */
  readonly isWork: boolean
}

export function createStopwatch(clock: Clock, onConverged: OnConverged): Stopwatch {
  const measurements = new Map<string, Measurement>()
  /** What was observed while another process led counts from here. */
  let atWorkSince = Infinity
  return {
    changed(key) {
      measurements.set(key, { ...(measurements.get(key) ?? fromChange(clock.monotonic())), changed: clock.monotonic() })
    },
    begin(key) {
      const begun = clock.monotonic()
      atWorkSince = Math.min(atWorkSince, begun)
      return (outcome, isUpdated) => {
        const measurement = measurements.get(key) ?? fromDrift(begun)
        const isWork = measurement.isWork || isUpdated || differs(outcome)
        const since = Math.max(measurement.since, atWorkSince)
        if (isWork && outcome.kind === 'inSync') onConverged(measurement.cause, (clock.monotonic() - since) / 1000)
        // A change that came while the pass ran is a course of its own.
        if (isOver(outcome) && measurement.changed > begun) measurements.set(key, fromChange(measurement.changed))
        else if (isOver(outcome)) measurements.delete(key)
        else if (isWork || measurements.has(key)) measurements.set(key, { ...measurement, isWork })
      }
    },
    forget: (key) => void measurements.delete(key),
  }
}

function fromChange(at: number): Measurement {
  return { since: at, changed: at, cause: 'SpecChanged', isWork: false }
}

function fromDrift(at: number): Measurement {
  return { since: at, changed: -Infinity, cause: 'DriftCorrected', isWork: false }
}

/** Converged, or as near to it as the operator may bring it. */
function isOver({ kind }: Outcome): boolean {
  return ['inSync', 'drifted', 'suspended', 'invalid', 'unresolved', 'conflict', 'missing'].includes(kind)
}

function differs(outcome: Outcome): boolean {
  return 'comparison' in outcome && outcome.comparison.assessment.differences.length > 0
}
