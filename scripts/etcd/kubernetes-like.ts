import { createHash } from 'node:crypto'

type Pair = readonly [key: string, value: Buffer]

const nodes = 100
const namespaces = ['default', 'kube-system', 'monitoring', 'shop', 'payments']

/**
 * Keys and values as a small Kubernetes cluster has them: nodes' leases, pods, config maps, secrets, events; about 3,100 keys and 5 MiB.
 * The same `generation` always gives the same bytes.
 */
export function* kubernetesLike(generation = 0): Generator<Pair> {
  for (let n = 0; n < nodes; n++) yield lease(n, generation)
  for (let n = 0; n < 1_200; n++) yield pod(n, generation)
  for (let n = 0; n < 300; n++)
    yield stored('configmaps', namespace(n), `settings-${n}`, 'ConfigMap', { data: { 'app.conf': words(`configmap ${n}`, 900) } })
  for (let n = 0; n < 300; n++) yield secret(n, generation)
  for (let n = 0; n < 1_200; n++) yield event(n, generation)
}

/** What an hour changes: every lease renewed, some pods moved, some secrets rotated, new events. About 340 keys. */
export function* hourLater(generation = 1): Generator<Pair> {
  for (let n = 0; n < nodes; n++) yield lease(n, generation)
  for (let n = 0; n < 1_200; n += 12) yield pod(n, generation)
  for (let n = 0; n < 300; n += 30) yield secret(n, generation)
  for (let n = 0; n < 120; n++) yield event(100_000 * generation + n, generation)
}

const namespace = (n: number): string => namespaces[n % namespaces.length]!

function lease(n: number, generation: number): Pair {
  const renewTime = new Date(Date.UTC(2026, 0, 1, generation, 0, n)).toISOString()
  return stored('leases', 'kube-node-lease', `node-${n}`, 'Lease', {
    spec: { holderIdentity: `node-${n}`, leaseDurationSeconds: 40, renewTime },
  })
}

function pod(n: number, generation: number): Pair {
  const name = `web-${digest(`set ${n % 90}`).slice(0, 10)}-${digest(`pod ${n}`).slice(0, 5)}`
  const containers = ['app', 'proxy'].map((container) => ({
    name: container,
    image: `registry.example/${container}@sha256:${digest(container)}`,
    env: Array.from({ length: 8 }, (_, i) => ({ name: `SETTING_${i}`, value: words(`${container} ${i}`, 40) })),
    resources: { limits: { cpu: '500m', memory: '256Mi' }, requests: { cpu: '100m', memory: '128Mi' } },
    volumeMounts: [
      { name: `token-${digest(`token ${n}`).slice(0, 5)}`, readOnly: true, mountPath: '/var/run/secrets/kubernetes.io/serviceaccount' },
    ],
  }))
  const statuses = containers.map(({ name: container }) => ({
    name: container,
    ready: true,
    restartCount: generation,
    containerID: `containerd://${digest(`${name} ${container} ${generation}`)}`,
  }))
  const status = { phase: 'Running', podIP: `10.${n >> 8}.${n & 255}.${generation + 2}`, containerStatuses: statuses }
  return stored('pods', namespace(n), name, 'Pod', { spec: { nodeName: `node-${(n + generation) % nodes}`, containers }, status })
}

function secret(n: number, generation: number): Pair {
  const data = {
    'tls.key': random(`key ${n} ${generation}`, 1_200).toString('base64'),
    'tls.crt': random(`crt ${n} ${generation}`, 900).toString('base64'),
  }
  return stored('secrets', namespace(n), `tls-${n}`, 'Secret', { type: 'kubernetes.io/tls', data })
}

function event(n: number, generation: number): Pair {
  const name = `web-${digest(`set ${n % 90}`).slice(0, 10)}.${digest(`event ${n}`).slice(0, 16)}`
  const involvedObject = { kind: 'Pod', name: `web-${n % 1_200}`, uid: uid(`pod ${n % 1_200}`) }
  return stored('events', namespace(n), name, 'Event', {
    involvedObject,
    reason: 'Pulled',
    message: words(`event ${n}`, 160),
    count: generation + 1,
    source: { component: 'kubelet', host: `node-${n % nodes}` },
  })
}

/** Kubernetes' envelope: `k8s\0`, then a message of type and raw object; the object is JSON here. */
function stored(resource: string, space: string, name: string, kind: string, rest: object): Pair {
  const metadata = { name, namespace: space, uid: uid(`${resource}/${space}/${name}`), creationTimestamp: '2026-01-01T00:00:00Z' }
  const object = Buffer.from(JSON.stringify({ metadata, ...rest }))
  const type = Buffer.concat([field(1, Buffer.from('v1')), field(2, Buffer.from(kind))])
  return [
    `/registry/${resource}/${space}/${name}`,
    Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, object), field(3, Buffer.alloc(0))]),
  ]
}

/** A length-delimited protobuf field. */
function field(number: number, bytes: Buffer): Buffer {
  const header = [(number << 3) | 2]
  let length = bytes.length
  for (; length > 127; length >>>= 7) header.push((length & 127) | 128)
  return Buffer.concat([Buffer.from([...header, length]), bytes])
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

const uid = (text: string): string => digest(text).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5')

const random = (seed: string, bytes: number): Buffer => createHash('shake256', { outputLength: bytes }).update(seed).digest()

const vocabulary =
  'cluster node pod image pulled container started probe failed scheduler volume mounted ready timeout connection refused service endpoint updated'.split(
    ' ',
  )

function words(seed: string, length: number): string {
  const text = [...random(seed, Math.ceil(length / 5))].map((byte) => vocabulary[byte % vocabulary.length]).join(' ')
  return text.slice(0, length)
}
