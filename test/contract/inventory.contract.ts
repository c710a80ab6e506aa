import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FieldName } from '../../src/api/modelservice.ts'
import type { Result } from '../../src/decide/failure.ts'
import type { Patch } from '../../src/decide/plan.ts'
import type { UpdateOutcome, Inventory, JobRef } from '../../src/reconcile/ports.ts'
import { everyField } from '../support/every-field.ts'
import { refreshed } from '../support/inventory.ts'

/** An implementation of the port, and the ZStack behind it as a test moves it. */
export type Subject = {
  readonly inventory: Inventory
  place(uuid: string, values: Patch): void
  remove(uuid: string): void
  /** What ZStack holds of these fields, write-only ones included. */
  held(uuid: string): Readonly<Record<string, unknown>> | undefined
  /** The answer to the next update is lost although ZStack carries it out. */
  loseNextUpdate(): void
  failNextRead(): void
  /** Makes the next update a job that ends so; absent where updates are never jobs. */
  readonly jobs?: { next(end: 'done' | 'expired' | 'failed'): void; ended(job: JobRef): Promise<void> }
  close(): Promise<void>
}

export type Traits = {
  /** Why tests that need something else would prove nothing here: they are left out. */
  readonly ineffective?: string
  readonly hidesNewer?: string
  readonly noJobs?: string
}

const a = 'a'.repeat(32)
const b = 'b'.repeat(32)
const nowhere = 'f'.repeat(32)
const signal = new AbortController().signal

/** The promises of `src/reconcile/ports.ts`, for anything that claims to be an `Inventory`. */
export function inventoryContract(name: string, start: () => Promise<Subject>, traits: Traits = {}): void {
  describe(`the Inventory port on ${name}`, () => {
    let subject: Subject
    let inventory: Inventory
    beforeEach(async () => {
      subject = await start()
      inventory = subject.inventory
      subject.place(a, { name: 'a', requestCpu: 4, framework: 'vLLM' })
      subject.place(b, { name: 'b', requestCpu: 8 })
    })
    afterEach(() => subject.close())

    const unless = (reason: string | undefined, title: string, run: () => Promise<void>) => {
      if (reason === undefined) it(title, run)
    }
    const effective = (title: string, run: () => Promise<void>) => {
      unless(traits.ineffective, title, run)
    }

    it('knows nothing before it has read', () => {
      expect(inventory.cached(a)).toBeUndefined()
    })

    it('reads a service, and knows it from then on', async () => {
      const answer = await inventory.read(a, signal)
      expect(valueOf(answer).observation?.live.values.get('requestCpu')).toBe(4)
      expect(inventory.cached(a)).toEqual(valueOf(answer))
    })

    it('reads a service that ZStack does not have as absent, which is no failure', async () => {
      expect(valueOf(await inventory.read(nowhere, signal)).observation).toBeUndefined()
      expect(inventory.cached(nowhere)).toMatchObject({ observation: undefined })
    })

    it('never shows a write-only field', async () => {
      subject.place(a, { environmentParameters: { TOKEN: 'secret' }, userTags: ['x'] })
      const { observation } = valueOf(await inventory.read(a, signal))
      expect(JSON.stringify([...(observation?.live.values ?? [])])).not.toMatch(/TOKEN|secret|userTags/)
    })

    unless(
      traits.hidesNewer,
      'tells of every service which fields the server shows, once one has shown it',
      async () => {
        await inventory.refresh([b], signal)
        expect([...(inventory.cached(b)?.observation?.shows ?? [])]).not.toContain('framework')
        await inventory.refresh([a], signal)
        expect([...(inventory.cached(b)?.observation?.shows ?? [])]).toContain('framework')
      },
    )

    it('refreshes many and tells which look other than what was known of them', async () => {
      expect(valueOf(await refreshed(inventory, [a, b]))).toEqual([])
      expect(inventory.cached(a)?.observation?.live.values.get('requestCpu')).toBe(4)
      expect(valueOf(await refreshed(inventory, [a, b]))).toEqual([])
      subject.place(b, { requestCpu: 2 })
      expect(valueOf(await refreshed(inventory, [a, b]))).toEqual([b])
      expect(inventory.cached(b)?.observation?.live.values.get('requestCpu')).toBe(2)
      subject.remove(a)
      expect(valueOf(await refreshed(inventory, [a, b]))).toEqual([a])
      expect(inventory.cached(a)).toMatchObject({ observation: undefined })
    })

    it('keeps what it knows when a read fails', async () => {
      await inventory.read(a, signal)
      subject.failNextRead()
      expect(await inventory.read(a, signal)).toMatchObject({ ok: false })
      expect(inventory.cached(a)?.observation?.live.values.get('requestCpu')).toBe(4)
    })

    it('drops what nobody asks for any more', async () => {
      await inventory.refresh([a, b], signal)
      inventory.retain(new Set([b]))
      expect(inventory.cached(a)).toBeUndefined()
      expect(inventory.cached(b)).toBeDefined()
    })

    effective('an update changes the fields of the patch and no others, and shows the effect', async () => {
      await inventory.read(a, signal)
      const seen = await settled(inventory, a, { requestCpu: 16, description: 'changed' })
      expect(seen?.live.values.get('requestCpu')).toBe(16)
      expect(seen?.live.values.get('name')).toBe('a')
      expect(subject.held(a)).toMatchObject({ name: 'a', requestCpu: 16, description: 'changed' })
      expect(inventory.cached(a)?.observation).toEqual(seen)
    })

    effective('its own update is no news to the next refresh', async () => {
      await inventory.refresh([a, b], signal)
      await settled(inventory, a, { requestCpu: 16 })
      expect(valueOf(await refreshed(inventory, [a, b]))).toEqual([])
    })

    effective('an update of write-only fields alone reaches ZStack', async () => {
      await inventory.read(a, signal)
      await settled(inventory, a, { environmentParameters: { MODE: 'fast' }, servicePorts: [8080] })
      expect(subject.held(a)).toMatchObject({ environmentParameters: { MODE: 'fast' }, servicePorts: [8080] })
    })

    effective('tags reach ZStack, alone and beside other fields', async () => {
      await inventory.read(a, signal)
      await settled(inventory, a, { userTags: ['one'] })
      await settled(inventory, a, { systemTags: ['two'], requestCpu: 16 })
      expect(subject.held(a)).toMatchObject({ userTags: ['one'], systemTags: ['two'], requestCpu: 16 })
    })

    effective('every field there is can be updated at once, and is shown as sent where it is shown', async () => {
      await inventory.read(a, signal)
      const seen = await settled(inventory, a, everyField)
      for (const [field, value] of Object.entries(everyField) as [FieldName, unknown][]) {
        if (field !== 'architectureImages') expect(subject.held(a)).toHaveProperty(field, value)
        const shown = seen?.live.values.get(field)
        if (shown !== undefined && field !== 'architectureImages') expect(shown).toEqual(value)
      }
      expect(seen?.live.values.get('architectureImages')).toEqual([
        expect.objectContaining({ vmImageUuid: 'c'.repeat(32), dockerImage: 'registry.example/model:1' }),
      ])
    })

    effective('updates of many services at one moment all take place', async () => {
      const uuids = Array.from({ length: 32 }, (_, i) => i.toString(16).padStart(32, '0'))
      for (const uuid of uuids) subject.place(uuid, { name: uuid, requestCpu: 1 })
      await inventory.refresh(uuids, signal)
      const ends = await Promise.all(uuids.map((uuid) => settled(inventory, uuid, { requestCpu: 2 })))
      expect(ends.map((seen) => seen?.live.values.get('requestCpu'))).toEqual(uuids.map(() => 2))
    })

    it('an update of a service that ZStack does not have is refused', async () => {
      const answer = await inventory.update(nowhere, { requestCpu: 2 }, signal)
      expect(answer).toMatchObject({ ok: false, failure: { kind: 'rejected', code: 'SYS.1003' } })
    })

    it('an update whose answer is lost is ambiguous, and nothing is known of the service until the next read', async () => {
      await inventory.read(a, signal)
      subject.loseNextUpdate()
      const answer = await inventory.update(a, { requestCpu: 16 }, signal)
      expect(answer).toMatchObject({ ok: false, failure: { kind: 'unavailable', ambiguous: true } })
      expect(inventory.cached(a)).toBeUndefined()
    })

    effective('a read after an update whose answer was lost shows what became of it', async () => {
      await inventory.read(a, signal)
      await settled(inventory, a, { requestCpu: 5 })
      subject.loseNextUpdate()
      await inventory.update(a, { requestCpu: 16 }, signal)
      await expect
        .poll(async () => valueOf(await inventory.read(a, signal)).observation?.live.values.get('requestCpu'))
        .toBe(16)
    })

    unless(
      traits.ineffective === undefined ? 'updates take effect here' : undefined,
      'an update that ZStack accepts without effect shows the old values',
      async () => {
        await inventory.read(a, signal)
        const seen = await settled(inventory, a, { requestCpu: 16 })
        expect(seen?.live.values.get('requestCpu')).toBe(4)
      },
    )

    unless(traits.noJobs, 'an update that became a job runs, and is done with what a read shows', async () => {
      const ref = await startJob('done')
      expect(valueOf(await inventory.job(a, ref, signal))).toEqual({ kind: 'running', job: ref })
      expect(inventory.cached(a)).toBeUndefined()
      await subject.jobs!.ended(ref)
      const end = valueOf(await inventory.job(a, ref, signal))
      expect(end.kind === 'done' && end.observation?.live.values.get('requestCpu')).toBe(16)
    })

    unless(traits.noJobs, 'a job that ZStack has forgotten is done with what a read shows', async () => {
      const ref = await startJob('expired')
      await subject.jobs!.ended(ref)
      const end = valueOf(await inventory.job(a, ref, signal))
      expect(end.kind === 'done' && end.observation?.live.values.get('requestCpu')).toBe(16)
    })

    unless(traits.noJobs, 'a job that failed is a failure with the code of ZStack', async () => {
      const ref = await startJob('failed')
      await subject.jobs!.ended(ref)
      expect(await inventory.job(a, ref, signal)).toMatchObject({ ok: false, failure: { code: 'SYS.1006' } })
      expect(subject.held(a)).toMatchObject({ requestCpu: 5 })
    })

    it('an update that nobody wants any more when its turn comes is withdrawn, and changes nothing', async () => {
      const before = subject.held(a)
      expect(valueOf(await inventory.update(a, { requestCpu: 16 }, signal, { isWanted: () => false }))).toEqual({
        kind: 'withdrawn',
      })
      expect(subject.held(a)).toEqual(before)
      expect(await settled(inventory, a, { name: 'after' })).toBeDefined()
    })

    it('rejects for an abort and for nothing else', async () => {
      const reason = new Error('time to stop is up')
      await expect(inventory.read(a, AbortSignal.abort(reason))).rejects.toBe(reason)
      await expect(inventory.update(a, { requestCpu: 2 }, AbortSignal.abort(reason))).rejects.toBe(reason)
    })

    /** After a first update, so that nothing is left to be learned of the server. */
    async function startJob(end: 'done' | 'expired' | 'failed'): Promise<JobRef> {
      await inventory.read(a, signal)
      await settled(inventory, a, { requestCpu: 5 })
      subject.jobs!.next(end)
      const answer = valueOf(await inventory.update(a, { requestCpu: 16 }, signal))
      if (answer.kind !== 'running') throw new Error('the update is no job')
      return answer.job
    }
  })
}

/** Updates, and follows the job if it became one. */
async function settled(inventory: Inventory, uuid: string, patch: Patch) {
  let answer: UpdateOutcome = valueOf(await inventory.update(uuid, patch, signal))
  while (answer.kind === 'running') {
    await new Promise((resolve) => setTimeout(resolve, 5))
    answer = valueOf(await inventory.job(uuid, answer.job, signal))
  }
  if (answer.kind !== 'done') throw new Error('the update was withdrawn')
  return answer.observation
}

function valueOf<T>(answer: Result<T>): T {
  if (!answer.ok) throw new Error(answer.failure.message)
  return answer.value
}
