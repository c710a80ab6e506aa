import { onTestFinished } from 'vitest'
import { watch, type WatchEvent } from '../../src/kube/watch.ts'
import { createManualClock } from './clock.ts'
import type { Sample } from './sample-resource.ts'
import { createScriptedResource, type ScriptedResource } from './scripted-resource.ts'

/** Runs a watch in the background and keeps its events, in words. Random 1 makes each pause as long as it may be. */
export async function followWatch(
  script: (server: ScriptedResource) => void = () => undefined,
  consume?: (event: WatchEvent<Sample>) => void,
) {
  const server = createScriptedResource()
  script(server)
  const clock = createManualClock()
  const stop = new AbortController()
  const events: string[] = []
  const ended = (async () => {
    for await (const event of watch(server, { clock, random: () => 1 }, stop.signal)) {
      events.push(inWords(event))
      consume?.(event)
    }
  })()
  ended.catch(() => undefined)
  onTestFinished(() => stop.abort())
  await clock.advance(0)
  return { server, clock, stop, events, ended }
}

function inWords(event: WatchEvent<Sample>): string {
  const words = ({ metadata }: Sample) => `${metadata.name}@${metadata.resourceVersion}`
  switch (event.kind) {
    case 'listed':
      return ['listed', event.version, ...event.objects.map(words)].join(' ')
    case 'applied':
    case 'deleted':
      return `${event.kind} ${words(event.object)}`
    case 'broken':
      return `broken: ${event.error.message}`
    case 'alive':
      return 'alive'
  }
}
