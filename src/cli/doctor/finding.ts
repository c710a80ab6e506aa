/** What a check of `doctor` found. */
export type Finding =
  | { readonly state: 'ok'; readonly text: string }
  /** What is wrong, and what to do. */
  | { readonly state: 'problem'; readonly text: string; readonly advice: string }
  /** It could not be checked: for want of a right, mostly. */
  | { readonly state: 'unknown'; readonly text: string; readonly advice?: string }

export const ok = (text: string): Finding => ({ state: 'ok', text })
export const problem = (text: string, advice: string): Finding => ({ state: 'problem', text, advice })
export const unknown = (text: string, advice?: string): Finding => ({
  state: 'unknown',
  text,
  ...(advice !== undefined && { advice }),
})
