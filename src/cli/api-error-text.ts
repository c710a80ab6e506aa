/** What the API server said, without the request that it was said of. */
export function apiErrorText(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error)
  return message.replace(/^[A-Z]+ \/\S*: /, '')
}
