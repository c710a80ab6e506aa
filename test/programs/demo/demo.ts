/** `npm run demo`: the whole operator at work in a few seconds. Ends 0 only if all it claims came true. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import { createOutput, printUpdates, type Output } from './output.ts'
import { startEnvironment, uuids, type Manifest, type DemoEnvironment } from './environment.ts'

const usage = `npm run demo [-- --keep]

Starts a stand-in Kubernetes API, a ZStack simulator and the built operator, and shows what happens.
  --keep   stays up afterwards and prints a kubeconfig for kubectl; Ctrl-C ends it
`

async function runDemo(environment: DemoEnvironment, output: Output) {
  const { zstack, operator } = environment
  const ready = async (name: string, reason: string, status = 'True') => {
    const { metadata, status: current } = await environment.get(name)
    const condition = current?.conditions?.find(({ type }) => type === 'Ready')
    return condition?.status === status && condition.reason === reason && metadata.generation > 0
  }

  output.title('1. kubectl apply -f deploy/samples/')
  for (const manifest of environment.samples.values()) output.line((await environment.apply(manifest)).message)
  await output.expect('ZStack holds the published example as declared', () => ready('example', 'InSync'))
  await output.expect('and the chat service, write-only fields included', () => ready('chat', 'InSync'))
  await output.expect(
    'one PUT for each that differed, none for the one that did not',
    () => zstack.counters.update === 2,
  )
  output.title('   kubectl get modelservices')
  output.table(await environment.table())

  output.title('2. A person edits: kubectl patch zms chat --type merge -p \'{"spec":{"requestMemory":"96Gi"}}\'')
  const started = performance.now()
  await environment.edit('chat', { requestMemory: '96Gi' })
  await output.expect('the PUT holds that field alone', () => zstack.read(uuids.chat)?.requestMemory === 96 * 1024 ** 3)
  output.line(`  (${Math.round(performance.now() - started)} ms from the edit to ZStack)`)
  await output.expect(
    'status says so once it was read back',
    async () => (await environment.get('chat')).status?.convergedGeneration === 2,
  )

  output.title('3. Somebody changes ZStack behind the operator’s back: example gets 1 CPU, watched gets 2')
  zstack.drift(uuids.example, { requestCpu: 1 })
  zstack.drift(uuids.watched, { requestCpu: 2 })
  await output.expect('example (Enforce) is put back', () => zstack.read(uuids.example)?.requestCpu === 4)
  await output.expect(
    'status calls it DriftCorrected',
    async () => (await environment.get('example')).status?.lastUpdate?.cause === 'DriftCorrected',
  )
  await output.expect('watched (Observe) is reported', () => ready('watched', 'DriftDetected'))
  await output.expect('and left alone', () => zstack.read(uuids.watched)?.requestCpu === 2)
  output.title('   kubectl get modelservices')
  output.table(await environment.table())

  output.title('4. Bad manifests are refused at apply')
  await expectRefusal(environment, output, { requestMemory: '16Gx' }, 'such as 16Gi')
  await expectRefusal(environment, output, { uuid: 'my-service' }, '32 lower-case hex digits')
  await expectRefusal(environment, output, { requestCPU: 4 }, 'unknown field "spec.requestCPU"')

  output.title('5. What only the operator can judge ends in a condition')
  await environment.apply(manifestOf('unknown', { uuid: 'f'.repeat(32), requestCpu: 4 }))
  await output.expect('a uuid that ZStack does not know', () => ready('unknown', 'NotFound', 'False'))
  await environment.apply(manifestOf('zz-second', { uuid: uuids.chat, requestCpu: 1 }))
  await output.expect('a second object for the same service', () => ready('zz-second', 'UUIDConflict', 'False'))
  for (const name of ['unknown', 'zz-second']) {
    const condition = (await environment.get(name)).status?.conditions?.find(({ type }) => type === 'Ready')
    output.line(`  ${name}: ${condition?.message ?? ''}`)
  }
  await output.expect('its spec was not written', () => zstack.read(uuids.chat)?.requestCpu === 16)
  output.title('   kubectl get modelservices')
  output.table(await environment.table())
  await bringIn(environment, output)
  const errors = operator.log.filter(({ level }) => level === 'error' || level === 'fatal')
  await output.expect('the operator logged no error', () => errors.length === 0)
}

/** What a person does with a service that nobody has declared yet. */
async function bringIn(environment: DemoEnvironment, output: Output) {
  const { zstack, directory } = environment
  const file = join(directory, 'embeddings-bge-m3.yaml')
  const run = async (title: string, ...args: readonly string[]) => {
    output.title(`   ${title}`)
    const { code, text } = await environment.command(...args)
    for (const line of text.trimEnd().split('\n')) output.line(line.replaceAll(directory, 'services'))
    return code
  }
  const services = ['--uuid', uuids.embeddings, '--out', directory]
  output.title('6. Bring in what you have: a service that nobody has declared')
  const imported = await run('modelservice-operator import --uuid 3f2a9c1b… --out services/', 'import', ...services)
  await output.expect('its manifest is written, and a plan of it proven empty', () => imported === 0)
  await editFile(file, { requestCpu: 2 }, { requestCpu: 6 })
  const planned = await run('edited to requestCpu: 6; modelservice-operator plan -f services/', 'plan', '-f', file)
  await output.expect('plan says what would be sent, and sends nothing', () => planned === 2)
  await output.expect('(ZStack still has 2)', () => zstack.read(uuids.embeddings)?.requestCpu === 2)
  output.title('   kubectl apply -f services/')
  output.line((await environment.apply(parse(await readFile(file, 'utf8')) as Manifest)).message)
  await output.expect('the operator sends just that', () => zstack.read(uuids.embeddings)?.requestCpu === 6)
  const after = await run('modelservice-operator plan -f services/', 'plan', '-f', file)
  await output.expect('and there is nothing left to send', () => after === 0)
}

/** As a person edits a field in an editor. */
async function editFile(file: string, from: Readonly<Record<string, number>>, to: Readonly<Record<string, number>>) {
  const line = (fields: Readonly<Record<string, number>>) => stringify(fields).trim()
  await writeFile(file, (await readFile(file, 'utf8')).replace(line(from), line(to)))
}

async function expectRefusal(
  environment: DemoEnvironment,
  output: Output,
  spec: Record<string, unknown>,
  reason: string,
) {
  const { ok, message } = await environment.apply(manifestOf('bad', { uuid: uuids.chat, ...spec }))
  output.line(`× ${JSON.stringify(spec)}`)
  output.line(`  ${message}`)
  await output.expect('refused, with what to write instead', () => !ok && message.includes(reason))
}

function manifestOf(name: string, spec: Record<string, unknown>): Manifest {
  const object = { apiVersion: 'ai.zstack.io/v1alpha1', kind: 'ModelService', metadata: { name }, spec }
  return object
}

async function stopOperator(environment: DemoEnvironment, output: Output) {
  output.title('7. SIGTERM')
  const code = await environment.operator.stop()
  await output.expect('the operator ends with 0', () => code === 0)
  await output.expect('and has logged out of ZStack', () => environment.zstack.counters.openSessions === 0)
}

async function waitForSignal(environment: DemoEnvironment, output: Output) {
  output.title('Still up. In another terminal:')
  output.line(`export KUBECONFIG=${environment.kubeconfigFile}`)
  output.line('kubectl get modelservices -w')
  output.line('kubectl describe zms chat')
  output.line(
    `curl -X POST ${new URL('/sim/drift/', environment.zstack.url).href}${uuids.chat} -d '{"requestCpu": 1}'   # drift`,
  )
  output.line('Ctrl-C ends it.')
  await Promise.race([
    new Promise<void>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve())
    }),
    environment.operator.exited.then(() => output.line('the operator has ended')),
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
  const output = createOutput()
  const began = performance.now()
  const environment = await startEnvironment()
  try {
    printUpdates(environment.zstack, Object.values(uuids), output)
    output.title('The ModelService operator')
    output.line(`Kubernetes (stand-in)  ${environment.api.url}`)
    output.line(`ZStack (simulator)     ${environment.zstack.url}`)
    output.line(`operator               dist/main.cjs, process ${environment.operator.pid}`)
    await runDemo(environment, output)
    if (args.includes('--keep')) await waitForSignal(environment, output)
    await stopOperator(environment, output)
    const took = ((performance.now() - began) / 1000).toFixed(1)
    output.title(
      output.failures === 0
        ? `All ${output.checks} things came true${args.includes('--keep') ? '' : ` in ${took} s`}. Next: README.md, "Install".`
        : `${output.failures} of ${output.checks} things did not come true. The end of the operator's log:`,
    )
    if (output.failures > 0) for (const line of environment.operator.log.slice(-15)) output.line(JSON.stringify(line))
    return output.failures === 0 ? 0 : 1
  } finally {
    await environment.end()
  }
}

process.exit(await main(process.argv.slice(2)))
