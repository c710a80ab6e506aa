import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAuthority } from './client-certificates.ts'

/** The files of one run, all in one temporary directory, so that another process can find them by its path alone. */
export function runFiles(directory: string) {
  return {
    etcdData: join(directory, 'etcd'),
    etcdLog: join(directory, 'etcd.log'),
    clientSocket: join(directory, 'client.sock'),
    peerSocket: join(directory, 'peer.sock'),
    certificates: join(directory, 'certificates'),
    /** Written by kube-apiserver at its first start: its certificate, and the authority that signed it. */
    serverCertificate: join(directory, 'certificates', 'apiserver.crt'),
    adminToken: join(directory, 'admin-token'),
    tokens: join(directory, 'tokens.csv'),
    serviceAccountKey: join(directory, 'service-account.key'),
    serviceAccountPublicKey: join(directory, 'service-account.pub'),
    userAuthority: join(directory, 'users.crt'),
    userAuthorityKey: join(directory, 'users.key'),
    adminKubeconfig: join(directory, 'admin.kubeconfig'),
    kubeconfig: (name: string) =>
      join(directory, `${name.replace(/[^\w.-]/g, '-')}-${randomBytes(4).toString('hex')}.kubeconfig`),
    apiServerLog: (start: number) => join(directory, `kube-apiserver-${start}.log`),
  }
}

export type RunFiles = ReturnType<typeof runFiles>

/** Makes the directory and every secret the two programs are started with. */
export async function createRunDirectory(): Promise<string> {
  // Short: etcd listens on a socket inside, and a socket's path may hold little more than 100 characters.
  const directory = await mkdtemp(join(tmpdir(), 'envtest-'))
  const files = runFiles(directory)
  const token = randomBytes(24).toString('hex')
  const users = createAuthority()
  const accounts = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const secrets: [string, string | Buffer][] = [
    [files.adminToken, token],
    [files.tokens, `${token},admin,admin,"system:masters"\n`],
    [files.userAuthority, users.certificate],
    [files.userAuthorityKey, users.key],
    [files.serviceAccountKey, accounts.privateKey.export({ type: 'sec1', format: 'pem' })],
    [files.serviceAccountPublicKey, accounts.publicKey.export({ type: 'spki', format: 'pem' })],
  ]
  await Promise.all(secrets.map(([file, text]) => writeFile(file, text, { mode: 0o600 })))
  return directory
}
