import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { type User, issueClientCertificate } from './client-certificates.ts'
import { applyCrd } from './crd.ts'
import { writeKubeconfig } from './kubeconfig.ts'
import { type Request, createRequest, expectStatus } from './request.ts'
import { runFiles } from './run-directory.ts'

/** What a test may do with a running API server, whichever process started it. */
export interface ApiServerAccess {
  readonly url: string
  /** Holds the authority that signed the server's certificate. */
  readonly caFile: string
  /** Path of a kubeconfig in group system:masters. */
  readonly adminKubeconfig: string
  /** Writes a kubeconfig that speaks for this user (a client certificate): RBAC decides what it may do. */
  kubeconfigFor(user: User): Promise<string>
  /** Writes a kubeconfig with a token from the TokenRequest API; creates the account, not the namespace, if missing. */
  serviceAccountKubeconfig(namespace: string, name: string): Promise<string>
  /** Applies a CRD from an object or a YAML file; returns when it is established and served. */
  applyCrd(crdFileOrObject: unknown): Promise<void>
  /** One JSON request as admin. */
  readonly request: Request
}

const tokenAnswer = z.looseObject({ status: z.looseObject({ token: z.string() }) })
const tokenLifetimeSeconds = 24 * 3600

/** Access to the server at this URL with the secrets of its run directory. The server must have started once. */
export async function openAccess(at: {
  url: string
  directory: string
}): Promise<ApiServerAccess & { closeConnections: () => void }> {
  const files = runFiles(at.directory)
  const [ca, token, authority, authorityKey] = await Promise.all(
    [files.serverCertificate, files.adminToken, files.userAuthority, files.userAuthorityKey].map((file) =>
      readFile(file, 'utf8'),
    ),
  )
  if (ca === undefined || token === undefined || authority === undefined || authorityKey === undefined) {
    throw new Error(`${at.directory} is no run directory`)
  }
  const server = { url: at.url, ca }
  const { request, close } = createRequest(server, { token })

  return {
    url: at.url,
    caFile: files.serverCertificate,
    adminKubeconfig: files.adminKubeconfig,
    request,
    applyCrd: (crd) => applyCrd(request, crd),
    kubeconfigFor: (user) =>
      writeKubeconfig(files.kubeconfig(user.name), server, {
        name: user.name,
        credentials: issueClientCertificate({ certificate: authority, key: authorityKey }, user),
      }),
    async serviceAccountKubeconfig(namespace, name) {
      const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`
      const created = request('POST', accounts, { metadata: { name } })
      await expectStatus(created, `service account ${namespace}/${name}`, 201, 409)
      const asked = request('POST', `${accounts}/${name}/token`, {
        apiVersion: 'authentication.k8s.io/v1',
        kind: 'TokenRequest',
        spec: { expirationSeconds: tokenLifetimeSeconds },
      })
      const answer = tokenAnswer.parse(await expectStatus(asked, `token of ${namespace}/${name}`, 201))
      return writeKubeconfig(files.kubeconfig(`${namespace}-${name}`), server, {
        name,
        namespace,
        credentials: { token: answer.status.token },
      })
    },
    closeConnections: close,
  }
}
