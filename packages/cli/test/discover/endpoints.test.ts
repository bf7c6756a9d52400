import { test } from 'tap'
import { alternativesOf } from '../../src/discover/endpoints.ts'

const said = (...values: string[]) => values.map((value) => ({ value, from: 'x' }))
const of = (listen: string[], advertise: string[] = [], local = true) =>
  alternativesOf({ listen: said(...listen), advertise: said(...advertise), local } as never).map(({ value }) => value)

test('itself by loopback where it listens there, else where it tells clients to find it', async (t) => {
  t.same(of(['https://10.0.0.1:2379', 'https://127.0.0.1:2379'], ['https://10.0.0.1:2379']), [
    'https://127.0.0.1:2379',
    'https://10.0.0.1:2379',
  ])
  t.same(of(['https://10.0.0.1:2379'], ['https://etcd.example:2379']), ['https://etcd.example:2379', 'https://10.0.0.1:2379'])
  t.same(of(['http://localhost:2379'], ['http://localhost:2379']), ['http://localhost:2379'])
})

test('0.0.0.0 and :: are no addresses, but loopback is among them', async (t) => {
  t.same(of(['https://0.0.0.0:2379'], ['https://10.0.0.1:2379']), ['https://127.0.0.1:2379', 'https://10.0.0.1:2379'])
  t.same(of(['http://[::]:2379', 'unixs://x:0'], ['http://0.0.0.0:2379']), ['http://127.0.0.1:2379', 'http://[::1]:2379'])
})

test('TLS comes before none, and ports are never left out', async (t) => {
  t.same(of(['http://127.0.0.1:80', 'https://127.0.0.1:443']), ['https://127.0.0.1:443', 'http://127.0.0.1:80'])
})

test('loopback of another host is not called', async (t) => {
  t.same(of(['https://127.0.0.1:2379', 'https://0.0.0.0:2379'], ['https://10.0.0.2:2379', 'http://localhost:1'], false), [
    'https://10.0.0.2:2379',
  ])
})
