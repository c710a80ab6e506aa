import { X509Certificate, createPrivateKey } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createAuthority, issueClientCertificate } from './client-certificates.ts'

describe('issueClientCertificate', () => {
  const authority = createAuthority()

  it('names the user and each group, also beyond ASCII', () => {
    const { certificate } = issueClientCertificate(authority, { name: 'system:jäne', groups: ['devs', 'ops'] })
    expect(new X509Certificate(certificate).subject).toBe('O=devs\nO=ops\nCN=system:jäne')
  })

  it('is signed by the authority, holds its own key and is valid now', () => {
    const { certificate, key } = issueClientCertificate(authority, { name: 'jane' })
    const issued = new X509Certificate(certificate)
    const issuer = new X509Certificate(authority.certificate)
    expect(issuer.ca).toBe(true)
    expect(issued.checkIssued(issuer)).toBe(true)
    expect(issued.verify(issuer.publicKey)).toBe(true)
    expect(issued.checkPrivateKey(createPrivateKey(key))).toBe(true)
    expect(issued.validFromDate.getTime()).toBeLessThan(Date.now())
    expect(issued.validToDate.getTime()).toBeGreaterThan(Date.now() + 3600_000)
  })

  it('writes lengths of more than one byte', () => {
    const groups = Array.from({ length: 40 }, (_, i) => `some-rather-long-group-name-${i}`)
    const { certificate } = issueClientCertificate(authority, { name: 'jane', groups })
    expect(new X509Certificate(certificate).subject.split('\n')).toHaveLength(41)
  })
})
