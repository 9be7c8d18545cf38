/** As whom controllers write: what managed fields show of writes that kube-controller-manager makes in other clusters. */
export const FIELD_MANAGER = 'kube-controller-manager'
