/** A real Prometheus that scrapes the operator, and answers the queries of the dashboard. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { freePort } from '../../support/free-port.ts'

export type Sample = readonly [time: number, value: number]
export type Result = { readonly labels: Readonly<Record<string, string>>; readonly samples: readonly Sample[] }

export interface Prometheus {
  /** From when to when, by the clock, in seconds. */
  range(query: string, start: number, end: number, step: number): Promise<readonly Result[]>
  instant(query: string, time: number): Promise<readonly Result[]>
  close(): Promise<void>
}

type Answer = {
  readonly status: string
  readonly error?: string
  readonly data: {
    readonly result: readonly {
      readonly metric: Readonly<Record<string, string>>
      readonly values?: readonly [number, string][]
      readonly value?: [number, string]
    }[]
  }
}

/** @param program the path of the Prometheus server */
export async function startPrometheus(program: string, job: string, targets: readonly string[]): Promise<Prometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'modelservice-prometheus-'))
  const static_configs = targets.map((one, index) => ({
    targets: [one],
    labels: { instance: `replica-${index + 1}` },
  }))
  const config = {
    global: { scrape_interval: '2s', scrape_timeout: '2s' },
    scrape_configs: [{ job_name: job, honor_labels: true, static_configs }],
  }
  await writeFile(join(directory, 'prometheus.yml'), JSON.stringify(config))
  const address = `127.0.0.1:${await freePort()}`
  const flags = [`--web.listen-address=${address}`, `--storage.tsdb.path=${join(directory, 'data')}`]
  const child = spawn(program, [`--config.file=${join(directory, 'prometheus.yml')}`, ...flags], { stdio: 'ignore' })
  const ended = once(child, 'close')
  while (!(await isReady(address))) await setTimeout(200)

  async function ask(path: string, parameters: Readonly<Record<string, string>>): Promise<readonly Result[]> {
    const response = await fetch(`http://${address}/api/v1/${path}?${new URLSearchParams(parameters).toString()}`)
    const { status, error, data } = (await response.json()) as Answer
    if (status !== 'success') throw new Error(`${error ?? status}: ${parameters.query ?? ''}`)
    return data.result.map(({ metric, values, value }) => ({
      labels: metric,
      samples: (values ?? (value ? [value] : [])).map(([time, text]) => [time, Number(text)] as const),
    }))
  }

  return {
    range: (query, start, end, step) =>
      ask('query_range', { query, start: String(start), end: String(end), step: String(step) }),
    instant: (query, time) => ask('query', { query, time: String(time) }),
    async close() {
      child.kill()
      await ended
      await rm(directory, { recursive: true })
    },
  }
}

async function isReady(address: string): Promise<boolean> {
  return fetch(`http://${address}/-/ready`).then(
    ({ ok }) => ok,
    () => false,
  )
}
