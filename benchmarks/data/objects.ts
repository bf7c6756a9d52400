import { field, stored, time, varintField } from './envelope.ts'
import { hex, noise, uid } from './noise.ts'

/** A key of etcd with a value as an apiserver writes it. Sizes are those of a real cluster (Kubernetes 1.35). */
export type StoredObject = readonly [key: string, value: Buffer]

const born = Date.UTC(2026, 0, 1) / 1000

export const nodeName = (n: number): string => `ip-10-0-${n >> 8}-${n & 255}.eu-west-1.compute.internal`

/** 458 bytes, renewed every 10 s. */
export function lease(n: number, second: number): StoredObject {
  const name = nodeName(n)
  const fields = '{"f:spec":{"f:holderIdentity":{},"f:leaseDurationSeconds":{},"f:renewTime":{}}}'
  const renewed = Buffer.concat([varintField(1, born + second), varintField(2, (n * 7_919 + second * 104_729) % 1_000_000_000)])
  const spec = Buffer.concat([field(1, name), varintField(2, 40), field(4, renewed)])
  return [
    `/registry/leases/kube-node-lease/${name}`,
    stored('coordination.k8s.io/v1', 'Lease', [metadata('leases', 'kube-node-lease', name, fields), field(2, spec)]),
  ]
}

/** About 4.4 KiB, of which the images are most; the heartbeats change every 5 minutes. */
export function node(n: number, second: number): StoredObject {
  const name = nodeName(n)
  const conditions = ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) =>
    field(
      4,
      Buffer.concat([
        field(1, type),
        field(2, type === 'Ready' ? 'True' : 'False'),
        time(3, born + second),
        time(4, born),
        field(5, 'KubeletOk'),
        field(6, 'kubelet is posting ready status'),
      ]),
    ),
  )
  const images = Array.from({ length: 20 }, (_, i) => field(8, field(1, `registry.internal/base/img-${i}@sha256:${hex(`image ${i}`, 64)}`)))
  const info = Buffer.concat([field(1, hex(name, 32)), field(4, '6.8.0'), field(5, 'Ubuntu 24.04'), field(7, 'v1.35.4')])
  return [
    `/registry/minions/${name}`,
    stored('v1', 'Node', [
      metadata('minions', '', name, `${nodeFields}${n & 255}.0/24"}}}`),
      field(3, Buffer.concat([...conditions, field(7, info), ...images])),
    ]),
  ]
}

/** About 5 KiB; a pod is written when it is made, when a node takes it and when it runs. */
export function pod(n: number, generation: number, step: number): StoredObject {
  const space = namespace(n)
  const app = `ingest-${n % 90}`
  const name = `${app}-${hex(`set ${n % 90} of ${space}`, 10)}-${hex(`pod ${n} ${generation}`, 5)}`
  const labels = [`app=${app}`, 'app.kubernetes.io/managed-by=Helm', `app.kubernetes.io/name=${app}`, `team=${space}`].map((text) =>
    field(11, field(1, text)),
  )
  const containers = [app, 'istio-proxy'].map((container) => {
    const env = Array.from({ length: 12 }, (_, i) => field(7, `APP_SETTING_${i}${container}-value-${i}`))
    const image = `registry.internal/${space}/${container}@sha256:${hex(`${space} ${container}`, 64)}`
    return field(2, Buffer.concat([field(1, container), field(2, image), ...env, field(9, podProbes)]))
  })
  const status =
    step < 2
      ? ''
      : ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled']
          .map((type) => `${type}=True@${born + generation}`)
          .concat(
            `containerd://${hex(`${name} app`, 64)}`,
            `containerd://${hex(`${name} proxy`, 64)}`,
            `10.${n >> 8}.${n & 255}.${generation & 255}`,
          )
          .join(';')
  return [
    `/registry/pods/${space}/${name}`,
    stored('v1', 'Pod', [
      metadata('pods', space, name, podFields),
      ...labels,
      field(2, Buffer.concat([...containers, field(10, step < 1 ? '' : nodeName((n + generation) % 200))])),
      field(3, status),
    ]),
  ]
}

/** About 650 bytes. */
export function event(n: number, second: number): StoredObject {
  const space = namespace(n)
  const about = `ingest-${n % 90}-${hex(`set ${n % 90} of ${space}`, 10)}-${hex(`pod ${n % 5_000} 0`, 5)}`
  const name = `${about}.${hex(`event ${n}`, 16)}`
  const involved = Buffer.concat([field(1, 'Pod'), field(2, space), field(3, about), field(4, uid(`pods/${space}/${about}`))])
  const message = 'Readiness probe failed: HTTP probe failed with statuscode: 503'
  return [
    `/registry/events/${space}/${name}`,
    stored('v1', 'Event', [
      metadata('events', space, name, eventFields),
      field(2, involved),
      field(3, 'Unhealthy'),
      field(4, message),
      time(6, born + second),
      time(7, born + second),
    ]),
  ]
}

/** A TLS secret: 2.1 KiB of random bytes. */
export function secret(n: number, generation: number): StoredObject {
  const space = namespace(n)
  const data = ['tls.key', 'tls.crt'].map((name) =>
    field(2, Buffer.concat([field(1, name), field(2, noise(`${name} ${n} ${generation}`, 1_050))])),
  )
  return [
    `/registry/secrets/${space}/tls-${n}`,
    stored('v1', 'Secret', [metadata('secrets', space, `tls-${n}`, '{"f:data":{},"f:type":{}}'), ...data]),
  ]
}

/** A Helm release: 8 to 40 KiB of gzip in base64, as Helm keeps them. */
export function release(n: number, generation: number): StoredObject {
  const space = namespace(n)
  const name = `sh.helm.release.v1.ingest-${n}.v${generation + 1}`
  const data = field(2, noise(name, 6_000 + ((n * 7_919) % 24_000)).toString('base64'))
  return [
    `/registry/secrets/${space}/${name}`,
    stored('v1', 'Secret', [metadata('secrets', space, name, '{"f:data":{},"f:type":{}}'), data]),
  ]
}

/** 1 to 5 KiB of settings. */
export function configMap(n: number, generation: number): StoredObject {
  const space = namespace(n)
  const lines = Array.from({ length: 20 + ((n * 31) % 80) }, (_, i) => `setting.${i}.of.app = ${hex(`config ${n} ${i}`, 4)}-${generation}`)
  return [
    `/registry/configmaps/${space}/settings-${n}`,
    stored('v1', 'ConfigMap', [
      metadata('configmaps', space, `settings-${n}`, '{"f:data":{".":{},"f:app.conf":{}}}'),
      field(2, lines.join('\n')),
    ]),
  ]
}

/** A custom resource, in JSON: 1.6 KiB. */
export function widget(n: number, generation: number): StoredObject {
  const space = namespace(n)
  const rules = Array.from({ length: 20 }, (_, i) => ({ host: `web-${n}-${i}.example.com`, path: `/v${i}`, weight: i }))
  const object = {
    apiVersion: 'acme.dev/v1',
    kind: 'Widget',
    metadata: { creationTimestamp: '2026-01-01T00:00:00Z', generation, name: `web-${n}`, namespace: space, uid: uid(`widget ${n}`) },
    spec: { rules },
  }
  return [`/registry/acme.dev/widgets/${space}/web-${n}`, Buffer.from(JSON.stringify(object))]
}

function namespace(n: number): string {
  return `team-${n % 60}`
}

function metadata(resource: string, space: string, name: string, fields: string): Buffer {
  const managed = Buffer.concat([
    field(1, 'kubelet'),
    field(2, 'Update'),
    field(3, 'v1'),
    time(4, born),
    field(6, 'FieldsV1'),
    field(7, field(1, fields)),
  ])
  const parts = [field(1, name), field(3, space), field(5, uid(`${resource}/${space}/${name}`)), time(8, born), field(17, managed)]
  return field(1, Buffer.concat(parts))
}

// What server-side apply keeps in every object: which manager owns which field. A third of a real database.
const condition = '{".":{},"f:lastHeartbeatTime":{},"f:lastTransitionTime":{},"f:message":{},"f:reason":{},"f:status":{},"f:type":{}}'
const conditions = (types: readonly string[]) => `{".":{},${types.map((type) => `"k:{\\"type\\":\\"${type}\\"}":${condition}`).join(',')}}`
const nodeFields = `{"f:status":{"f:allocatable":{".":{},"f:cpu":{},"f:memory":{},"f:pods":{}},"f:conditions":${conditions(['DiskPressure', 'MemoryPressure', 'PIDPressure', 'Ready'])},"f:images":{}},"f:spec":{"v:{"10.1.`
const settings = Array.from({ length: 12 }, (_, i) => `"k:{\\"name\\":\\"APP_SETTING_${i}\\"}":{".":{},"f:name":{},"f:value":{}}`).join(',')
const probe =
  '{".":{},"f:failureThreshold":{},"f:httpGet":{".":{},"f:path":{},"f:port":{},"f:scheme":{}},"f:periodSeconds":{},"f:timeoutSeconds":{}}'
const container = (name: string) =>
  `"k:{\\"name\\":\\"${name}\\"}":{".":{},"f:env":{".":{},${settings}},"f:image":{},"f:imagePullPolicy":{},"f:livenessProbe":${probe},"f:name":{},"f:readinessProbe":${probe},"f:resources":{".":{},"f:limits":{".":{},"f:memory":{}},"f:requests":{".":{},"f:cpu":{},"f:memory":{}}},"f:terminationMessagePath":{},"f:terminationMessagePolicy":{}}`
const podFields = `{"f:metadata":{"f:labels":{".":{},"f:app":{},"f:team":{}}},"f:spec":{"f:containers":{${container('app')},${container('istio-proxy')}},"f:dnsPolicy":{},"f:nodeName":{},"f:restartPolicy":{},"f:schedulerName":{}},"f:status":{"f:conditions":${conditions(['ContainersReady', 'Initialized', 'PodScheduled', 'Ready'])}}}`
const eventFields =
  '{"f:count":{},"f:firstTimestamp":{},"f:involvedObject":{},"f:lastTimestamp":{},"f:message":{},"f:reason":{},"f:source":{"f:component":{}},"f:type":{}}'
const podProbes = '/healthz HTTP /ready HTTP /dev/termination-log IfNotPresent File cpu 100m memory 128Mi memory 512Mi '
