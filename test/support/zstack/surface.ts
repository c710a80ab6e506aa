import type { FaultRule } from './faults.ts'
import type { ModelServiceInventory } from './model.ts'
import type { Moods } from './moods.ts'
import type { Operation, RequestCounts, RequestRecord } from './records.ts'
import type { AccountState } from './sessions.ts'

/** A running stand-in for a ZStack management node. Its HTTP control is beside the API, at `/sim/`. */
export interface ZStackSimulator {
  /** The base URL, context path included. */
  readonly url: string
  /** A snapshot; change it with set(). */
  readonly moods: Readonly<Moods>
  set(moods: Partial<Moods>): void
  /** Adds or replaces services; write-only keys among their fields are kept out of sight. */
  add(...services: ModelServiceInventory[]): void
  remove(uuid: string): void
  /** A copy of everything stored that an inventory can show, whatever the server hides at the moment. */
  read(uuid: string): ModelServiceInventory | undefined
  /** A copy of the values that no inventory shows. Throws for an unknown uuid. */
  hidden(uuid: string): Record<string, unknown>
  /** A change behind the operator's back; null removes a field. Throws for an unknown uuid. */
  drift(uuid: string, change: Record<string, unknown>): void
  /** An upgrade of the node: every stored framework gets its newer spelling (`LlamaCpp` for `llama.cpp`). */
  upgrade(): void
  /** Adds a rule, later ones winning, and returns what lifts it. */
  fault(rule: FaultRule): () => void
  clearFaults(): void
  /** A snapshot. */
  readonly counters: RequestCounts & { sessionsOpened: number; openSessions: number }
  /** The last 20,000 requests, oldest first. */
  requests(operation?: Operation): readonly RequestRecord[]
  /** Zeroes the counters and forgets the requests. */
  resetCounters(): void
  /** Calls back for each request, just before its answer leaves. */
  onRequest(listener: (record: RequestRecord) => void): () => void
  /** Makes every session unknown. */
  dropSessions(): void
  /** Adds an account or changes its password. */
  setAccount(name: string, password: string): void
  /** Disables an account, which ends its sessions, or enables it again. Throws for an unknown account. */
  setAccountState(name: string, state: AccountState): void
  /** Adds an access key of `admin` or changes its secret. */
  setAccessKey(id: string, secret: string): void
  /** Ends every connection, hanging ones too; jobs under way never end. */
  close(): Promise<void>
}

export type SimulatorOptions = {
  /** 0, the default, picks a free one. */
  port?: number
  host?: string
  moods?: Partial<Moods>
  services?: ModelServiceInventory[]
  tls?: { key: string; cert: string }
}
