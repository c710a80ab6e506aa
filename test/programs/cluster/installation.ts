/** A way to install the operator, as far as the steps have to know. */
export interface Installation {
  /** As a person would type it. */
  readonly how: string
  install(): Promise<void>
  /** Replaces every pod by a new one; resolves when the rollout is over. */
  rollOver(): Promise<void>
  /** Takes the operator away; CRD and objects stay. */
  uninstall(): Promise<void>
}

export const credentials = (password: string) => ({
  ZSTACK_ACCOUNT_NAME: 'admin',
  ZSTACK_ACCOUNT_PASSWORD: password,
})

export const firstPassword = 'spring-2026'
