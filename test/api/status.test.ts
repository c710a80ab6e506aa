import { describe, expect, it } from 'vitest'
import { conditionTypes } from '../../src/api/status.ts'
import { reasons } from '../../src/api/reasons.ts'

/** The contract, spelled out: manifests, dashboards and people's habits rest on these names. */
const contract = {
  types: ['Ready', 'Synced', 'Connected', 'Reconciling', 'Stalled', 'Suspended'],
  reasons: [
    ...['Initializing', 'InSync', 'Updating', 'AwaitingJob', 'DriftDetected', 'UpdateNotEffective', 'InvalidSpec'],
    ...['UnknownPolicy', 'RemoteRejected', 'NotFound', 'UUIDConflict', 'ConnectionNotFound', 'SecretNotFound'],
    'ReferenceNotFound',
    ...[
      'CredentialsRejected',
      'AccountDisabled',
      'PermissionDenied',
      'QuotaExceeded',
      'TooManySessions',
      'Unreachable',
    ],
    ...['ObservationStale', 'Suspended'],
  ],
}

describe('the vocabulary of status', () => {
  it('is the one that was promised', () => {
    expect(Object.keys(conditionTypes)).toEqual(contract.types)
    expect(Object.keys(reasons)).toEqual(contract.reasons)
  })

  it.each(Object.entries(reasons))('%s has a meaning and a advice, each a sentence', (_, { meaning, advice }) => {
    for (const sentence of [meaning, advice]) expect(sentence).toMatch(/^\S.{8,}\.$/)
  })
})
