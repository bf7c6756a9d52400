/**
 * The line of etcd whose way of writing is followed. Each boots on the lines from its own to 3.7, but for that of 3.4, which the newer
 * ones cannot all start; the form of 3.5 boots on 3.4 too.
 */
export type Form = '3.4' | '3.5' | '3.6' | '3.7'

export const forms: readonly Form[] = ['3.4', '3.5', '3.6', '3.7']
