import { tail } from './command.ts'
import { modelsNamespace, operatorNamespace } from './names.ts'
import { pods, restartsOf } from './pods.ts'
import type { Environment } from './environment.ts'

/** What a person needs to see after a failure: pods, their logs, events, the objects, what ZStack was asked last. */
export async function diagnostics({ kubernetes, zstack }: Environment): Promise<string> {
  const ask = async (title: string, args: readonly string[], lines: number) => {
    const output = await kubernetes.kubectl(args).catch((error: unknown) => String(error))
    return `--- ${title}\n${tail(output, lines)}`
  }
  const inOperator = ['-n', operatorNamespace]
  const logs = ['logs', '-l', 'app.kubernetes.io/name=modelservice-operator', '--prefix', '--tail=40']
  const hasRestarted = restartsOf(await pods(kubernetes).catch(() => [])) > 0
  const requests = zstack
    .requests()
    .slice(-10)
    .map(({ at, operation, uuid = '', status }) => `${new Date(at).toISOString()} ${operation} ${uuid} ${status}`)
  return [
    await ask('pods', [...inOperator, 'get', 'pods', '-o', 'wide'], 20),
    await ask('events', [...inOperator, 'get', 'events', '--sort-by=.lastTimestamp'], 40),
    await ask('logs', [...inOperator, ...logs], 100),
    ...(hasRestarted ? [await ask('logs before a restart', [...inOperator, ...logs, '--previous'], 40)] : []),
    await ask('model services', ['-n', modelsNamespace, 'get', 'modelservices', '-o', 'wide'], 15),
    `--- the last requests to ZStack\n${requests.join('\n')}`,
  ].join('\n')
}
