import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fields } from '../../src/api/fields.ts'
import { desiredOf } from '../../src/api/fields.ts'
import { isEqual } from '../../src/decide/assess.ts'
import {
  queryPath,
  readJob,
  readServices,
  readSession,
  readUpdated,
  servicePath,
  updateBody,
} from '../../src/zstack/wire.ts'
import { encoded, specs } from '../support/arbitrary.ts'
import { modelService } from '../support/zstack/simulator.ts'

const uuid = '6c1a5f6167944aa1886294842075279f'

describe('paths', () => {
  it('a service by its uuid, many services by one condition and a limit', () => {
    expect(servicePath(uuid)).toBe(`/v1/ai/model-services/${uuid}`)
    expect(queryPath([uuid, 'a'.repeat(32)])).toBe(`/v1/ai/model-services?q=uuid?=${uuid},${'a'.repeat(32)}&limit=2`)
  })

  it('a hundred services fit a request line of 8 KiB', () => {
    expect(queryPath(Array.from({ length: 100 }, () => uuid)).length).toBeLessThan(8_000)
  })

  const notUuid = fc.oneof(
    fc.string(),
    fc.constantFrom(`${uuid}/../..`, `${uuid}&q=x`, uuid.toUpperCase(), `${uuid}\n`, `${uuid.slice(1)}/`, '..', ''),
  )
  it('what is no uuid never becomes a path', () =>
    fc.assert(
      fc.property(notUuid, (text) => {
        expect(() => servicePath(text)).toThrow('not a uuid')
        expect(() => queryPath([uuid, text])).toThrow('not a uuid')
      }),
      { seed: 20261123 },
    ))
})

describe('the body of an update', () => {
  it('holds the fields of the patch and no others, in the envelope or flat, tags beside it', () => {
    const patch = { name: 'n', requestCpu: 4, environmentParameters: { A: 'b' }, systemTags: ['s'], userTags: [] }
    const parameters = { name: 'n', requestCpu: 4, environmentParameters: { A: 'b' } }
    const tags = { systemTags: ['s'], userTags: [] }
    expect(updateBody(patch, 'envelope')).toEqual({ updateModelService: parameters, ...tags })
    expect(updateBody(patch, 'flat')).toEqual({ ...parameters, ...tags })
  })

  it('names the action even when there are only tags', () => {
    expect(updateBody({ userTags: ['u'] }, 'envelope')).toEqual({ updateModelService: {}, userTags: ['u'] })
  })

  it('has memory as whole bytes', () => {
    const desired = Object.fromEntries(desiredOf({ uuid, requestMemory: '16Gi' }))
    expect(updateBody(desired, 'flat')).toEqual({ requestMemory: 17179869184 })
  })
})

describe('an inventory', () => {
  it('is read from a query, a job or an update alike', () => {
    const service = modelService({ uuid, requestCpu: 4 })
    const services = readServices({ inventories: [service], schema: { x: 1 } })
    expect(services).toEqual([readUpdated({ inventory: service, success: true })])
    expect(services?.[0]).toMatchObject({ uuid, live: { system: false, modelCenterUuid: service.modelCenterUuid } })
    expect(services?.[0]?.live.values.get('requestCpu')).toBe(4)
  })

  it('shows images without the keys that the server adds', () => {
    const inventory = modelService({
      uuid,
      modelServiceImages: [
        { uuid: 'x', cpuArchitecture: 'x86_64', dockerImage: 'i', vmImageUuid: null, lastOpDate: 'd' },
      ],
    })
    expect(readUpdated({ inventory })?.live.values.get('architectureImages')).toEqual([
      { cpuArchitecture: 'x86_64', dockerImage: 'i' },
    ])
  })

  it('has no empty values, and keeps zero and false', () => {
    const inventory = {
      uuid,
      name: '',
      description: null,
      modelServiceImages: [],
      requestCpu: 0,
      supportDistributed: false,
    }
    expect([...(readUpdated({ inventory })?.live.values ?? [])]).toEqual([
      ['requestCpu', 0],
      ['supportDistributed', false],
    ])
  })

  it('shows no write-only field, should a server ever tell one', () => {
    const inventory = { uuid, environmentParameters: { TOKEN: 'secret' }, servicePorts: [80], userTags: ['u'] }
    expect(readUpdated({ inventory })?.live.values.size).toBe(0)
  })

  it('shows nothing of a field whose value is of another type than documented, and all of the others', () => {
    const inventory = { uuid, name: 5, requestCpu: '4', requestMemory: 8192, vendorToSpecUuidsMap: { NVIDIA: 'a' } }
    expect([...(readUpdated({ inventory })?.live.values ?? [])]).toEqual([['requestMemory', 8192]])
  })

  it('whatever it holds can be compared with whatever is declared', () =>
    fc.assert(
      fc.property(
        specs,
        fc.record(
          Object.fromEntries([...Object.keys(fields), 'modelServiceImages'].map((name) => [name, fc.jsonValue()])),
        ),
        (spec, values) => {
          const shown = readUpdated({ inventory: { ...values, uuid } })
          for (const [field, declared] of encoded(spec))
            expect(() => isEqual(field, declared, shown?.live.values.get(field))).not.toThrow()
        },
      ),
      { numRuns: 500, seed: 20261123 },
    ))

  it.each([undefined, null, 4, 'x', [], {}, { inventories: {} }, { inventories: [{ name: 'no uuid' }] }])(
    '%j is no list of services',
    (body) => {
      expect(readServices(body)).toBeUndefined()
    },
  )

  it.each([undefined, {}, { success: true }, { inventory: null }, { inventory: {} }, []])(
    '%j is no inventory of an update',
    (body) => {
      expect(readUpdated(body)).toBeUndefined()
    },
  )
})

describe('the location of a job', () => {
  it.each([
    'http://192.0.2.10:8080/zstack/v1/api-jobs/abc123',
    'https://elsewhere.example/v1/api-jobs/abc123',
    '/v1/api-jobs/abc123',
  ])('%s gives the path alone, never the host', (location) => {
    expect(readJob({ location })).toEqual({ uuid: 'abc123' })
  })

  it.each([
    undefined,
    {},
    { location: 4 },
    { location: 'http://node/v1/jobs/x' },
    { location: '/v1/api-jobs/a/../../accounts' },
    { location: '/v1/api-jobs/a?b' },
    { location: '/v1/api-jobs/' },
  ])('%j gives none', (body) => {
    expect(readJob(body)).toBeUndefined()
  })
})

it('a session is a short word of letters and digits or none', () => {
  expect(readSession({ inventory: { uuid: 'a1b2' } })).toBe('a1b2')
  for (const bad of ['', 'a/b', 'a\r\nb', 'x'.repeat(65)])
    expect(readSession({ inventory: { uuid: bad } })).toBeUndefined()
})
