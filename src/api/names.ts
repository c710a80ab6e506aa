/** How Kubernetes knows the resource, and the annotations that people set on it. */
export const group = 'ai.zstack.io'
export const version = 'v1alpha1'
export const plural = 'modelservices'
export const kind = 'ModelService'
/** Asks for a look now; the value is any token, echoed in `status.lastHandledReconcileAt`. */
export const reconcileRequestedAt = `${group}/reconcile-requested-at`
/** Suspends the object until this time (RFC 3339), and then ends by itself. */
export const suspendUntil = `${group}/suspend-until`
/** Why the object is suspended, for people. */
export const suspendReason = `${group}/suspend-reason`
