import type { RunFiles } from './run-directory.ts'

/** etcd for one run. It listens on sockets in the run directory: no port to clash. */
export function etcdArgs(files: RunFiles): string[] {
  const client = `unix://${files.clientSocket}`
  const peer = `unix://${files.peerSocket}`
  return [
    '--name=test',
    `--data-dir=${files.etcdData}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=test=${peer}`,
    // Nothing here outlives the run; a disk's flush time would be most of every write.
    '--unsafe-no-fsync',
    '--log-level=error',
  ]
}

/**
 * kube-apiserver as a cluster has it as far as an operator can tell: TLS, RBAC, service account tokens, admission,
 * priority and fairness. There are no controllers: a deleted namespace stays Terminating, nothing is garbage collected.
 */
export function apiServerArgs(files: RunFiles, port: number): string[] {
  return [
    `--etcd-servers=unix://${files.clientSocket}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    `--cert-dir=${files.certificates}`,
    '--authorization-mode=RBAC',
    `--token-auth-file=${files.tokens}`,
    `--client-ca-file=${files.userAuthority}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${files.serviceAccountPublicKey}`,
    `--service-account-signing-key-file=${files.serviceAccountKey}`,
    // It would refuse every pod until some controller has made the namespace's default account.
    '--disable-admission-plugins=ServiceAccount',
    '--service-cluster-ip-range=10.0.0.0/24',
    // The endpoints of the service "kubernetes" matter to pods only, and there are none.
    '--endpoint-reconciler-type=none',
  ]
}
