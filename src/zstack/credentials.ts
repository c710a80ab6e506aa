/** Where credentials come from: fixed values, or the files of a mounted Secret, whose changes `authenticator.ts` notices. */
import { createHash } from 'node:crypto'
import { readdir, readFile, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { ok, err, type Result } from '../decide/failure.ts'
import { redacted, type Redacted } from '../redacted.ts'
import type { AccessKey } from './accesskey.ts'

export type Credentials =
  | { readonly kind: 'account'; readonly name: string; readonly password: Redacted }
  | ({ readonly kind: 'accessKey' } & AccessKey)

/** Credentials with a version that is another one whenever they change, and does not reveal them. */
export type VersionedCredentials = { readonly credentials: Credentials; readonly version: string }

export interface CredentialsSource {
  read(): Promise<Result<VersionedCredentials>>
  /** Whether `read` may give others later: the authenticator then reads them again every `credentialsCheckMs`. */
  readonly canChange: boolean
  /** Where they stand, in words for people who have to correct them: the Secret, if that is all that is known. */
  readonly place?: string
}

/** The keys of the Secret, which are also the names of the environment variables in `config.ts`. */
export const credentialNames = {
  keyId: 'ZSTACK_ACCESS_KEY_ID',
  keySecret: 'ZSTACK_ACCESS_KEY_SECRET',
  accountName: 'ZSTACK_ACCOUNT_NAME',
  accountPassword: 'ZSTACK_ACCOUNT_PASSWORD',
} as const

export function fixedCredentials(credentials: Credentials): CredentialsSource {
  const answer = Promise.resolve(ok(withVersion(credentials)))
  const { keyId, keySecret, accountName, accountPassword } = credentialNames
  const place = credentials.kind === 'account' ? `${accountName} and ${accountPassword}` : `${keyId} and ${keySecret}`
  return { read: () => answer, canChange: false, place }
}

/** Reads a file as text. */
export type ReadText = (path: string) => Promise<string>

/**
 * The credentials in a directory with one file per name, as the kubelet mounts a Secret. One line end at the end of a file
 * is not part of its value.
 * @param mounted what is mounted there, such as `Secret zstack in namespace models`, where that is known
 */
export function credentialsDirectory(
  directory: string,
  readText: ReadText = (path) => readFile(path, 'utf8'),
  mounted?: string,
): CredentialsSource {
  const { keyId, keySecret, accountName, accountPassword } = credentialNames

  async function readValue(path: string): Promise<string> {
    try {
      return (await readText(path)).replace(/\r?\n$/, '')
    } catch {
      return ''
    }
  }

  /** The values of one version of the Secret. If it is replaced during the read, the newer version is read. */
  async function readValues(): Promise<readonly string[]> {
    const version = await versionIn(directory)
    const names = [keyId, keySecret, accountName, accountPassword]
    const values = await Promise.all(names.map((name) => readValue(join(version, name))))
    return (await versionIn(directory)) === version ? values : readValues()
  }

  return {
    canChange: true,
    ...(mounted !== undefined && { place: mounted }),
    async read() {
      const [id, secret, name, password] = await readValues()
      if (id && secret) return ok(withVersion({ kind: 'accessKey', id, secret: redacted(secret) }))
      if (name && password) return ok(withVersion({ kind: 'account', name, password: redacted(password) }))
      const keys = await keysIn(directory)
      return err({
        kind: 'noCredentials',
        message: `no ZStack credentials in ${directory}: ${whatIsMissing(keys, mounted)}; needed are the keys ${keyId} and ${keySecret}, or ${accountName} and ${accountPassword}`,
      })
    },
  }
}

/** The keys of the mounted Secret; none where nothing is mounted. */
async function keysIn(directory: string): Promise<readonly string[] | undefined> {
  try {
    const names = await readdir(await versionIn(directory))
    return names.filter((name) => !name.startsWith('..')).sort()
  } catch {
    return undefined
  }
}

/** So many keys are named, and so much of each: somebody may have mounted another Secret, with whatever in it. */
const maxKeys = 8
const maxKeyLength = 40

function whatIsMissing(keys: readonly string[] | undefined, mounted: string | undefined): string {
  if (!keys) return `nothing is mounted there; mount ${mounted ?? 'the Secret'}`
  const place = mounted ?? 'the Secret mounted there'
  if (keys.length === 0) return `${place} does not exist, or is empty`
  const { keyId, keySecret, accountName, accountPassword } = credentialNames
  const pair = [
    [keyId, keySecret],
    [accountName, accountPassword],
  ].find((names) => names.some((name) => keys.includes(name)))
  const missing = pair?.filter((name) => !keys.includes(name)) ?? []
  if (pair && missing.length > 0)
    return `${place} has ${pair.find((name) => keys.includes(name))} and no ${missing.join()}`
  if (pair) return `${place} has ${pair.join(' and ')}, and one of them is empty`
  const named = keys.slice(0, maxKeys).map((key) => key.slice(0, maxKeyLength))
  return `keys are missing: ${place} has ${named.join(', ')}${keys.length > maxKeys ? ' and others' : ''}`
}

/**
 * The directory that holds the files of the version in use. In a mounted Secret each file is a link through the link
 * `..data`, which the kubelet points at another directory when the Secret changes. If the files were read through the
 * links, an id of one version could be paired with the secret of the next.
 */
async function versionIn(directory: string): Promise<string> {
  try {
    return await realpath(join(directory, '..data'))
  } catch {
    return directory
  }
}

function withVersion(credentials: Credentials): VersionedCredentials {
  const parts =
    credentials.kind === 'account'
      ? [credentials.kind, credentials.name, credentials.password.reveal()]
      : [credentials.kind, credentials.id, credentials.secret.reveal()]
  return { credentials, version: createHash('sha256').update(JSON.stringify(parts)).digest('hex') }
}
