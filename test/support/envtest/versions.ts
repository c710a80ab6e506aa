/** The Kubernetes release the tests run on. Its staging modules carry the same number under major version 0. */
export const kubernetesVersion = '1.36.3'

/** The etcd release beneath it: the series this Kubernetes release is tested with. */
export const etcdVersion = '3.7.3'

/** The Go release both need; a machine without Go gets this number in a message. */
export const goVersion = '1.26'
