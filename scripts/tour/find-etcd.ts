import { getEtcd, type EtcdBinaries } from '../etcd/get-etcd.ts'

/** etcd 3.6, else 3.4, else why there is none. */
export async function findEtcd(
  options: Omit<Parameters<typeof getEtcd>[0], 'version'>,
): Promise<EtcdBinaries | { readonly missing: string }> {
  const reasons: string[] = []
  for (const version of ['3.6', '3.4'] as const) {
    try {
      return await getEtcd({ ...options, version })
    } catch (error) {
      reasons.push((error as Error).message)
    }
  }
  return { missing: reasons.join('; ') }
}
