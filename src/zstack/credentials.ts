/** Where credentials come from: fixed values, or the files of a mounted Secret that may change at any time. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ok, err, type Result } from '../decide/failure.ts'
import { secretOf, type Secret } from '../secret.ts'
import type { AccessKey } from './accesskey.ts'

export type Credentials =
  | { readonly kind: 'account'; readonly name: string; readonly password: Secret }
  | ({ readonly kind: 'accessKey' } & AccessKey)

/** Credentials with a revision that tells a change without telling the secret. */
export type VersionedCredentials = { readonly credentials: Credentials; readonly version: string }

export interface CredentialsSource {
  read(): Promise<Result<VersionedCredentials>>
  /** Whether reading again can ever give something else. */
  readonly canChange: boolean
}

/** The names by which both environment and Secret give them. */
export const credentialNames = {
  keyId: 'ZSTACK_ACCESS_KEY_ID',
  keySecret: 'ZSTACK_ACCESS_KEY_SECRET',
  accountName: 'ZSTACK_ACCOUNT_NAME',
  accountPassword: 'ZSTACK_ACCOUNT_PASSWORD',
} as const

export function fixedCredentials(credentials: Credentials): CredentialsSource {
  const answer = Promise.resolve(ok(withVersion(credentials)))
  return { read: () => answer, canChange: false }
}

/** A directory with one file per name, as the kubelet mounts a Secret. A closing line end in a file does not count. */
export function credentialsDirectory(directory: string): CredentialsSource {
  const value = async (name: string) => {
    try {
      return (await readFile(join(directory, name), 'utf8')).replace(/\r?\n$/, '')
    } catch {
      return ''
    }
  }
  return {
    canChange: true,
    async read() {
      const { keyId, keySecret, accountName, accountPassword } = credentialNames
      const [id, secret, name, password] = await Promise.all(
        [keyId, keySecret, accountName, accountPassword].map(value),
      )
      if (id && secret) return ok(withVersion({ kind: 'accessKey', id, secret: secretOf(secret) }))
      if (name && password) return ok(withVersion({ kind: 'account', name, password: secretOf(password) }))
      return err({
        kind: 'secret',
        message: `no ZStack credentials in ${directory}; the Secret mounted there needs the keys ${keyId} and ${keySecret}, or ${accountName} and ${accountPassword}`,
      })
    },
  }
}

function withVersion(credentials: Credentials): VersionedCredentials {
  const parts =
    credentials.kind === 'account'
      ? [credentials.kind, credentials.name, credentials.password.reveal()]
      : [credentials.kind, credentials.id, credentials.secret.reveal()]
  return { credentials, version: createHash('sha256').update(JSON.stringify(parts)).digest('hex') }
}
