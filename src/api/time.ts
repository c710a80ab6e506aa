/** A moment as Kubernetes writes it, metav1.Time: UTC, to the second. */
export function timestamp(moment: Date | number): string {
  return new Date(moment).toISOString().replace(/\.\d+Z$/, 'Z')
}
