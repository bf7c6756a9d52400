import { test } from 'tap'
import { mainJob } from './support/main-job.ts'

test('a real etcd 3.4 is backed up twice, restored with repository and phrase alone, and booted', (t) => mainJob(t, '3.4', 26))
