import { describe, expect, it } from 'vitest'
import { managersOf } from '../../src/api/managed-fields.ts'

const by = (manager: string, time: string, fields: object, more: object = {}) => ({
  manager,
  operation: 'Update',
  time,
  fieldsType: 'FieldsV1',
  fieldsV1: { 'f:spec': fields },
  ...more,
})

describe('who last set fields', () => {
  const argo = by('argocd-controller', '2026-11-24T10:00:00Z', { 'f:uuid': {}, 'f:requestCpu': {}, 'f:yaml': {} })
  const person = by('kubectl-edit', '2026-11-24T11:00:00Z', { 'f:requestCpu': {}, 'f:userTags': {} })

  it('is told by manager, the latest first, with the fields that were asked for', () => {
    expect(managersOf([argo, person], ['requestCpu', 'yaml'])).toEqual([
      { manager: 'kubectl-edit', time: '2026-11-24T11:00:00Z', fields: ['requestCpu'] },
      { manager: 'argocd-controller', time: '2026-11-24T10:00:00Z', fields: ['requestCpu', 'yaml'] },
    ])
    expect(managersOf([argo, person], ['name'])).toEqual([])
  })

  it('is nobody who wrote status or metadata alone', () => {
    const operator = by('operator', '2026-11-24T12:00:00Z', { 'f:requestCpu': {} }, { subresource: 'status' })
    const labeller = { manager: 'labeller', fieldsV1: { 'f:metadata': { 'f:labels': {} } } }
    expect(managersOf([operator, labeller], ['requestCpu'])).toEqual([])
  })

  it.each([[undefined], [null], ['x'], [[null, 4, {}, { manager: 4, fieldsV1: 'x' }]]])(
    'is nobody known where there is no such list: %o',
    (managedFields) => {
      expect(managersOf(managedFields, ['requestCpu'])).toEqual([])
    },
  )

  it('is cut where it is many', () => {
    const many = Array.from({ length: 9 }, (_, i) => by(`m${i}`, `2026-11-24T0${i}:00:00Z`, { 'f:name': {} }))
    expect(managersOf(many, ['name']).map(({ manager }) => manager)).toEqual(['m8', 'm7', 'm6', 'm5', 'm4'])
  })
})
