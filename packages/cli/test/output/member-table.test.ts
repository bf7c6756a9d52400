import { test } from 'tap'
import { memberRow, memberTable } from '../../src/output/member-table.ts'

const leader = {
  id: '00000000000000ab',
  name: 'm1',
  endpoint: '10.0.0.1:2379',
  version: '3.6.16',
  size: 20_971_520,
  inUse: 4096,
  leader: true,
  learner: false,
  lag: 0,
  errors: ['memberID:1 alarm:NOSPACE', 'x\u001b[2J'],
}
const down = {
  id: undefined,
  name: undefined,
  endpoint: '10.0.0.2:2379',
  version: undefined,
  size: undefined,
  inUse: undefined,
  leader: undefined,
  learner: undefined,
  lag: undefined,
  errors: [],
}

test('a member is a line, and a dash stands for what is not known', async (t) => {
  const [headings, first, second, ...rest] = memberTable([leader, down], false).split('\n')
  t.match(headings, /^NAME +ID +ENDPOINT +VERSION +SIZE +IN USE +LEADER +LEARNER +LAG +ERRORS$/)
  t.match(first, /^m1 +00000000000000ab +10\.0\.0\.1:2379 +3\.6\.16 +21 MB +4\.1 kB +yes +no +0 +memberID:1 alarm:NOSPACE; x\\u001b\[2J$/)
  t.match(second, /^- +- +10\.0\.0\.2:2379 +- +- +- +- +- +-$/)
  t.same(rest, [''])
  t.match(memberTable([leader], true), /^\+-+\+/)
})

test('programs get numbers, and null for what is not known', async (t) => {
  t.match(memberRow(leader), { id: '00000000000000ab', db_size: 20_971_520, db_size_in_use: 4096, leader: true, lag: 0 })
  t.same(memberRow(down), {
    id: null,
    name: null,
    endpoint: '10.0.0.2:2379',
    version: null,
    db_size: null,
    db_size_in_use: null,
    leader: null,
    learner: null,
    lag: null,
    errors: [],
  })
})
