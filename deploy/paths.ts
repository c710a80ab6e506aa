/** Where the files are that programs and tests look up. */

export const repositoryRoot = new URL('../', import.meta.url)
export const crdFolder = new URL('crds/', repositoryRoot)
export const crdFile = new URL('ai.zstack.io_modelservices.yaml', crdFolder)
export const chartFolder = new URL('deploy/charts/modelservice-operator/', repositoryRoot)
export const alertFile = new URL('files/alerts.yaml', chartFolder)
