import { parseArgs } from 'node:util'

export type Flags = {
  /** Where the cluster is; kubectl's own choice when absent. */
  readonly kubeconfig?: string
  /** An image that the cluster has or can pull; absent, one is built. */
  readonly image?: string
  /** A shell command that hands a built image to the cluster; `{image}` stands for its name. */
  readonly loadImage?: string
  /** Under which address pods reach this machine; guessed when absent. */
  readonly hostAddress?: string
  /** Where the ZStack simulator listens; 0 picks a free port. */
  readonly port: number
  readonly keep: boolean
}

export const usage = `npm run e2e:cluster -- [flags]

Shows on a real cluster that image, manifests and chart work: builds the image, installs by kubectl and by Helm,
edits, deletes the leader, rolls over, rotates the Secret, uninstalls. ZStack is a simulator on this machine.
The cluster must not have the operator yet; afterwards nothing of this run is left in it.

  --kubeconfig FILE     the cluster (KUBECONFIG, or what kubectl uses)
  --load-image COMMAND  how a built image gets into the cluster:
                          'kind load docker-image {image}'
                          'k3d image import {image}'
  --image NAME          an image that the cluster can get at: nothing is built
  --host-address A      under which pods reach this machine (guessed from the route to the first node)
  --port N              of the simulator on this machine (a free one)
  --keep                leave it all installed, and the simulator running until Ctrl-C
`

/** Reads the command line; a text is what is wrong with it. */
export function parseFlags(args: readonly string[], env: Readonly<Record<string, string | undefined>>): Flags | string {
  const text = { type: 'string' } as const
  const options = { kubeconfig: text, image: text, 'load-image': text, 'host-address': text, port: text } as const
  try {
    const { values } = parseArgs({ args: [...args], options: { ...options, keep: { type: 'boolean' } } })
    const kubeconfig = values.kubeconfig ?? env.KUBECONFIG
    const port = Number(values.port ?? '0')
    if (!Number.isInteger(port) || port < 0 || port > 65_535) return `--port is a port number, not ${values.port ?? ''}`
    if (values.image === undefined && values['load-image'] === undefined)
      return 'give --load-image, the command that hands a built image to your cluster, or --image, one that it can pull'
    return {
      ...(kubeconfig !== undefined && kubeconfig !== '' && { kubeconfig }),
      ...(values.image !== undefined && { image: values.image }),
      ...(values['load-image'] !== undefined && { loadImage: values['load-image'] }),
      ...(values['host-address'] !== undefined && { hostAddress: values['host-address'] }),
      port,
      keep: values.keep ?? false,
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
