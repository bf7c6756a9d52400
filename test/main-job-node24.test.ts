import { test } from 'tap'
import { mainJob } from './support/main-job.ts'

test('on Node 24, too, a real etcd is backed up twice, restored and booted', (t) => mainJob(t, '3.6', 24))
