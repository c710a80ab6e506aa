import { type KeyObject, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/** A certificate and its private key, both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

/** Who a client certificate speaks for: kube-apiserver reads the user from CN and the groups from O. */
export interface User {
  readonly name: string
  readonly groups?: readonly string[]
}

const authorityName: User = { name: 'envtest-users' }
const lifetime = 24 * 3600_000
/** Clocks of virtual machines jump backwards now and then. */
const clockSlack = 3600_000

/** A new certificate authority for users, for `--client-ca-file`. */
export function createAuthority(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const isAuthority = extension('2.5.29.19', [tlv(0x01, Buffer.from([0xff]))])
  return pair(certificate(authorityName, publicKey, privateKey, isAuthority), privateKey)
}

/** A certificate with which kube-apiserver takes the bearer for this user, whoever that may be. */
export function issueClientCertificate(authority: KeyPair, user: User): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const clientUse = extension('2.5.29.37', [objectId('1.3.6.1.5.5.7.3.2')])
  return pair(certificate(user, publicKey, createPrivateKey(authority.key), clientUse), privateKey)
}

function pair(der: Buffer, key: KeyObject): KeyPair {
  const lines = der.toString('base64').replace(/.{1,64}/g, '$&\n')
  return {
    certificate: `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

// node:crypto reads X.509 but cannot write it; the few structures needed are written here as DER (RFC 5280).

function certificate(subject: User, subjectKey: KeyObject, signer: KeyObject, usage: Buffer): Buffer {
  const ecdsaWithSha256 = sequence(objectId('1.2.840.10045.4.3.2'))
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    ecdsaWithSha256,
    distinguishedName(authorityName),
    sequence(time(Date.now() - clockSlack), time(Date.now() + lifetime)),
    distinguishedName(subject),
    subjectKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(usage)),
  )
  const signature = sign('sha256', body, signer)
  return sequence(body, ecdsaWithSha256, tlv(0x03, Buffer.concat([Buffer.from([0]), signature])))
}

function distinguishedName(user: User): Buffer {
  const attribute = (id: string, value: string) =>
    tlv(0x31, sequence(objectId(id), tlv(0x0c, Buffer.from(value, 'utf8'))))
  const organizations = (user.groups ?? []).map((group) => attribute('2.5.4.10', group))
  return sequence(...organizations, attribute('2.5.4.3', user.name))
}

function extension(id: string, content: readonly Buffer[]): Buffer {
  const critical = tlv(0x01, Buffer.from([0xff]))
  return sequence(objectId(id), critical, tlv(0x04, sequence(...content)))
}

function time(at: number): Buffer {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, '')
  return tlv(0x18, Buffer.from(digits, 'ascii'))
}

function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(arc: number): number[] {
  const bytes = [arc & 0x7f]
  for (let left = arc >>> 7; left > 0; left >>>= 7) bytes.unshift((left & 0x7f) | 0x80)
  return bytes
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tlv(0x30, ...parts)
}

function tlv(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const size = content.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}
