import t from 'tap'
import { resetName, statusIn } from '../src/grpc-status.ts'

t.test('a status is read with its text in UTF-8', async (t) => {
  t.same(statusIn({ 'grpc-status': '7', 'grpc-message': 'etcdserver: permission denied' }), {
    code: 7,
    text: 'etcdserver: permission denied',
  })
  t.same(statusIn({ 'grpc-status': '2', 'grpc-message': 'gr%C3%B6%c3%9fe 100%25' }), { code: 2, text: 'größe 100%' })
  t.same(statusIn({ 'grpc-status': '0' }), { code: 0, text: '' })
})

t.test('a text that is not well escaped stays as it is', async (t) => {
  t.same(statusIn({ 'grpc-status': '2', 'grpc-message': '100% %zz %4' }), { code: 2, text: '100% %zz %4' })
})

t.test('headers without a status, or with one that is no number, have none', async (t) => {
  t.equal(statusIn(undefined), undefined)
  t.equal(statusIn({}), undefined)
  t.equal(statusIn({ 'grpc-status': 'fine' }), undefined)
  t.equal(statusIn({ 'grpc-status': '' }), undefined)
})

t.test('resets have the names of RFC 9113', async (t) => {
  t.equal(resetName(8), 'CANCEL')
  t.equal(resetName(11), 'ENHANCE_YOUR_CALM')
  t.equal(resetName(99), 'code 99')
})
