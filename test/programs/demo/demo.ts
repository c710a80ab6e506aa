/** `npm run demo`: the whole operator at work in a few seconds. Ends 0 only if all it claims came true. */
import { createShow, narrateUpdates, type Show } from './output.ts'
import { setStage, uuids, type Manifest, type Stage } from './environment.ts'

const usage = `npm run demo [-- --keep]

Starts a stand-in Kubernetes API, a ZStack simulator and the built operator, and shows what happens.
  --keep   stays up afterwards and prints a kubeconfig for kubectl; Ctrl-C ends it
`

async function play(stage: Stage, show: Show) {
  const { zstack, operator } = stage
  const ready = async (name: string, reason: string, status = 'True') => {
    const { metadata, status: seen } = await stage.get(name)
    const condition = seen?.conditions?.find(({ type }) => type === 'Ready')
    return condition?.status === status && condition.reason === reason && metadata.generation > 0
  }

  show.title('1. kubectl apply -f deploy/samples/')
  for (const manifest of stage.samples.values()) show.line((await stage.apply(manifest)).message)
  await show.expect('ZStack holds the published example as declared', () => ready('example', 'InSync'))
  await show.expect('and the chat service, write-only fields included', () => ready('chat', 'InSync'))
  await show.expect('one PUT for each that differed, none for the one that did not', () => zstack.counters.update === 2)
  show.title('   kubectl get modelservices')
  show.table(await stage.table())

  show.title('2. A person edits: kubectl patch zms chat --type merge -p \'{"spec":{"requestMemory":"96Gi"}}\'')
  const started = performance.now()
  await stage.edit('chat', { requestMemory: '96Gi' })
  await show.expect('the PUT holds that field alone', () => zstack.read(uuids.chat)?.requestMemory === 96 * 1024 ** 3)
  show.line(`  (${Math.round(performance.now() - started)} ms from the edit to ZStack)`)
  await show.expect(
    'status says so once it was read back',
    async () => (await stage.get('chat')).status?.convergedGeneration === 2,
  )

  show.title('3. Somebody changes ZStack behind the operator’s back: example gets 1 CPU, watched gets 2')
  zstack.drift(uuids.example, { requestCpu: 1 })
  zstack.drift(uuids.watched, { requestCpu: 2 })
  await show.expect('example (Enforce) is put back', () => zstack.read(uuids.example)?.requestCpu === 4)
  await show.expect(
    'status calls it DriftCorrected',
    async () => (await stage.get('example')).status?.lastUpdate?.cause === 'DriftCorrected',
  )
  await show.expect('watched (Observe) is reported', () => ready('watched', 'DriftDetected'))
  await show.expect('and left alone', () => zstack.read(uuids.watched)?.requestCpu === 2)
  show.title('   kubectl get modelservices')
  show.table(await stage.table())

  show.title('4. Bad manifests are refused at apply')
  await refuse(stage, show, { requestMemory: '16Gx' }, 'such as 16Gi')
  await refuse(stage, show, { uuid: 'my-service' }, '32 lower-case hex digits')
  await refuse(stage, show, { requestCPU: 4 }, 'unknown field "spec.requestCPU"')

  show.title('5. What only the operator can judge ends in a condition')
  await stage.apply(manifestOf('stray', { uuid: 'f'.repeat(32), requestCpu: 4 }))
  await show.expect('a uuid that ZStack does not know', () => ready('stray', 'NotFound', 'False'))
  await stage.apply(manifestOf('zz-second', { uuid: uuids.chat, requestCpu: 1 }))
  await show.expect('a second object for the same service', () => ready('zz-second', 'UUIDConflict', 'False'))
  for (const name of ['stray', 'zz-second']) {
    const condition = (await stage.get(name)).status?.conditions?.find(({ type }) => type === 'Ready')
    show.line(`  ${name}: ${condition?.message ?? ''}`)
  }
  await show.expect('its spec was not written', () => zstack.read(uuids.chat)?.requestCpu === 16)
  show.title('   kubectl get modelservices')
  show.table(await stage.table())
  const noise = operator.log.filter(({ level }) => level === 'error' || level === 'fatal')
  await show.expect('the operator logged no error', () => noise.length === 0)
}

async function refuse(stage: Stage, show: Show, spec: Record<string, unknown>, reason: string) {
  const { ok, message } = await stage.apply(manifestOf('bad', { uuid: uuids.chat, ...spec }))
  show.line(`× ${JSON.stringify(spec)}`)
  show.line(`  ${message}`)
  await show.expect('refused, with what to write instead', () => !ok && message.includes(reason))
}

function manifestOf(name: string, spec: Record<string, unknown>): Manifest {
  const object = { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata: { name }, spec }
  return object
}

async function leave(stage: Stage, show: Show) {
  show.title('6. SIGTERM')
  const code = await stage.operator.stop()
  await show.expect('the operator ends with 0', () => code === 0)
  await show.expect('and has logged out of ZStack', () => stage.zstack.counters.openSessions === 0)
}

async function keep(stage: Stage, show: Show) {
  show.title('Still up. In another terminal:')
  show.line(`export KUBECONFIG=${stage.kubeconfigFile}`)
  show.line('kubectl get modelservices -w')
  show.line('kubectl describe zms chat')
  show.line(
    `curl -X POST ${new URL('/sim/drift/', stage.zstack.url).href}${uuids.chat} -d '{"requestCpu": 1}'   # drift`,
  )
  show.line('Ctrl-C ends it.')
  await Promise.race([
    new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    }),
    stage.operator.exited.then(() => show.line('the operator has ended')),
  ])
}

async function main(args: readonly string[]): Promise<number> {
  if (args.includes('--help')) {
    process.stdout.write(usage)
    return 0
  }
  const unknown = args.filter((arg) => arg !== '--keep')
  if (unknown.length > 0) {
    process.stderr.write(`unknown argument ${unknown.join(' ')}\n${usage}`)
    return 2
  }
  const show = createShow()
  const began = performance.now()
  const stage = await setStage()
  try {
    narrateUpdates(stage.zstack, Object.values(uuids), show)
    show.title('The ModelService operator')
    show.line(`Kubernetes (stand-in)  ${stage.api.url}`)
    show.line(`ZStack (simulator)     ${stage.zstack.url}`)
    show.line(`operator               dist/main.js, process ${stage.operator.pid}`)
    await play(stage, show)
    if (args.includes('--keep')) await keep(stage, show)
    await leave(stage, show)
    const took = ((performance.now() - began) / 1000).toFixed(1)
    show.title(
      show.failures === 0
        ? `All ${show.seen} things came true${args.includes('--keep') ? '' : ` in ${took} s`}. Next: README.md, "Install".`
        : `${show.failures} of ${show.seen} things did not come true. The end of the operator's log:`,
    )
    if (show.failures > 0) for (const line of stage.operator.log.slice(-15)) show.line(JSON.stringify(line))
    return show.failures === 0 ? 0 : 1
  } finally {
    await stage.end()
  }
}

process.exit(await main(process.argv.slice(2)))
