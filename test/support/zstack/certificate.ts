import { createPrivateKey, generateKeyPairSync, randomBytes, sign, X509Certificate, type KeyObject } from 'node:crypto'

export type Certified = { readonly key: string; readonly cert: string }

/** A key and its self-signed certificate for localhost and 127.0.0.1, good for a year from `now`; PEM. It is its own CA. */
export function selfSignedCertificate(commonName = 'zstack-simulator', now = Date.now()): Certified {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = nameOf(commonName)
  return pem(privateKey, certificate(name, name, publicKey, privateKey, now, [basicConstraints(), alternativeNames()]))
}

/** The same, but signed by a self-signed one. */
export function signedCertificate(authority: Certified, now = Date.now()): Certified {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { subject } = new X509Certificate(authority.cert)
  const issuer = nameOf(subject.replace('CN=', ''))
  const signer = createPrivateKey(authority.key)
  const subjectName = nameOf('zstack.example.com')
  return pem(privateKey, certificate(issuer, subjectName, publicKey, signer, now, [alternativeNames()]))
}

function certificate(
  issuer: Buffer,
  subject: Buffer,
  subjectKey: KeyObject,
  signer: KeyObject,
  now: number,
  extensions: readonly Buffer[],
): Buffer {
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const body = sequence(
    der(0xa0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    algorithm,
    issuer,
    sequence(utcTime(now - DAY), utcTime(now + 365 * DAY)),
    subject,
    subjectKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(...extensions)),
  )
  return sequence(body, algorithm, der(0x03, Buffer.from([0]), sign('sha256', body, signer)))
}

function nameOf(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))))
}

function pem(key: KeyObject, certified: Buffer): Certified {
  const lines = certified.toString('base64').replaceAll(/.{1,64}/g, '$&\n')
  const cert = `-----BEGIN CERTIFICATE-----\n${lines}-----END CERTIFICATE-----\n`
  return { key: key.export({ type: 'pkcs8', format: 'pem' }) as string, cert }
}

const DAY = 24 * 60 * 60 * 1000

/** One DER value: tag, length, contents. */
function der(tag: number, ...contents: Buffer[]): Buffer {
  const body = Buffer.concat(contents)
  const { length } = body
  const head = length < 0x80 ? [tag, length] : [tag, 0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from(head), body])
}

function sequence(...contents: Buffer[]): Buffer {
  return der(0x30, ...contents)
}

function integer(value: Buffer): Buffer {
  return der(0x02, value)
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function utcTime(millis: number): Buffer {
  return der(0x17, Buffer.from(`${new Date(millis).toISOString().slice(2, 19).replaceAll(/[-:T]/g, '')}Z`))
}

function basicConstraints(): Buffer {
  const isAuthority = sequence(der(0x01, Buffer.from([0xff])))
  return sequence(oid('551d13'), der(0x01, Buffer.from([0xff])), der(0x04, isAuthority))
}

function alternativeNames(): Buffer {
  const names = sequence(der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
  return sequence(oid('551d11'), der(0x04, names))
}
