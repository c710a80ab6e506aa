/** Tells a person what a long task does: one line kept fresh on a terminal, a line now and then elsewhere. */
export interface Progress {
  /** A new step begins; its line ends when the next begins. */
  step(what: string): void
  /** How far the step is, for its line. */
  detail(how: string): void
  /** Ends the last step and the clock. */
  end(outcome: 'done' | 'failed'): void
}

/** Back to the start of the line, and empty it. */
const clear = '\r\u001b[K'
const terminalEvery = 1_000
const logEvery = 15_000

export function startProgress(out: NodeJS.WriteStream): Progress {
  const isTerminal = out.isTTY
  let current: { what: string; how: string; since: number } | undefined

  const line = () => {
    if (current === undefined) return ''
    const seconds = Math.round((performance.now() - current.since) / 1000)
    return [current.what, `${seconds} s`, current.how].filter((part) => part !== '').join(', ')
  }
  const show = () => {
    if (current === undefined) return
    out.write(isTerminal ? `${clear}${line().slice(0, Math.max(out.columns, 40) - 1)}` : `${line()}\n`)
  }
  const finish = (outcome: string) => {
    if (current !== undefined) out.write(`${isTerminal ? clear : ''}${line()}, ${outcome}\n`)
    current = undefined
  }
  const clock = setInterval(show, isTerminal ? terminalEvery : logEvery)

  return {
    step(what) {
      finish('done')
      current = { what, how: '', since: performance.now() }
      if (isTerminal) show()
      else out.write(`${what} ...\n`)
    },
    detail(how) {
      if (current !== undefined) current.how = how
    },
    end(outcome) {
      clearInterval(clock)
      finish(outcome)
    },
  }
}
