/**
 * The text of a kubeconfig for a server without credentials. `insecure-skip-tls-verify` says nothing to kubectl over
 * plain HTTP, but @kubernetes/client-node refuses plain HTTP without it.
 */
export function kubeconfigFor(url: string): string {
  return `apiVersion: v1
kind: Config
clusters:
  - name: stand-in
    cluster:
      server: ${url}
      insecure-skip-tls-verify: true
users:
  - name: stand-in
    user: {}
contexts:
  - name: stand-in
    context:
      cluster: stand-in
      user: stand-in
      namespace: default
current-context: stand-in
`
}
