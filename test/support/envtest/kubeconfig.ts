import { readFile, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { type Credentials, type Request, type ServerAddress, createRequest } from './request.ts'

/** Writes a kubeconfig that holds everything inside: it may be copied anywhere, also beside a mounted service account. */
export async function writeKubeconfig(
  file: string,
  server: ServerAddress,
  user: { name: string; credentials: Credentials; namespace?: string },
): Promise<string> {
  const { credentials } = user
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'envtest',
    clusters: [{ name: 'envtest', cluster: { server: server.url, 'certificate-authority-data': base64(server.ca) } }],
    users: [
      {
        name: user.name,
        user:
          'token' in credentials
            ? { token: credentials.token }
            : {
                'client-certificate-data': base64(credentials.certificate),
                'client-key-data': base64(credentials.key),
              },
      },
    ],
    contexts: [
      { name: 'envtest', context: { cluster: 'envtest', user: user.name, namespace: user.namespace ?? 'default' } },
    ],
  }
  await writeFile(file, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 })
  return file
}

const written = z.object({
  clusters: z.tuple([
    z.object({ cluster: z.object({ server: z.string(), 'certificate-authority-data': z.base64() }) }),
  ]),
  users: z.tuple([
    z.object({
      user: z.union([
        z.object({ token: z.string() }),
        z.object({ 'client-certificate-data': z.base64(), 'client-key-data': z.base64() }),
      ]),
    }),
  ]),
})

/** Requests as the user of a kubeconfig that writeKubeconfig wrote. */
export async function requestAs(kubeconfig: string): Promise<{ request: Request; close: () => void }> {
  const { clusters, users } = written.parse(JSON.parse(await readFile(kubeconfig, 'utf8')))
  const { server, 'certificate-authority-data': ca } = clusters[0].cluster
  const { user } = users[0]
  const credentials =
    'token' in user
      ? user
      : { certificate: decoded(user['client-certificate-data']), key: decoded(user['client-key-data']) }
  return createRequest({ url: server, ca: decoded(ca) }, credentials)
}

function decoded(text: string): string {
  return Buffer.from(text, 'base64').toString('utf8')
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
