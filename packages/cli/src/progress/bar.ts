import cliProgress from 'cli-progress'
import { sizeText } from '../output/size-text.ts'
import { durationText } from '../output/time-text.ts'
import { drawBelow } from '../terminal.ts'
import { paceMeter } from './pace.ts'
import type { Pace } from './pace.ts'
import type { Progress } from './progress.ts'

const barCells = 24

/** Killed or crashed, the cursor must come back. */
const restoreCursor = () => void process.stderr.write('\u{1B}[?25h')

/** A bar on standard error, gone when it is stopped. */
export function bar(verb: string): Progress {
  const pace = paceMeter()
  let [bytes, totalBytes]: [number, number | undefined] = [0, undefined]
  const drawn = new cliProgress.SingleBar({
    stream: process.stderr,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    fps: 10,
    gracefulExit: false,
    format: () => line(verb, bytes, totalBytes, pace(bytes, totalBytes)),
  })
  const show = () => drawn.start(totalBytes ?? Math.max(bytes, 1), bytes)
  const hide = () => drawn.stop()
  process.once('exit', restoreCursor)
  drawBelow({ hide, show })
  show()
  return {
    update(nowBytes, nowTotalBytes) {
      ;[bytes, totalBytes] = [nowBytes, nowTotalBytes]
      drawn.setTotal(totalBytes ?? Math.max(bytes, 1))
      drawn.update(bytes)
    },
    stop() {
      drawBelow(undefined)
      hide()
      process.off('exit', restoreCursor)
    },
  }
}

function line(verb: string, bytes: number, totalBytes: number | undefined, { speed, secondsLeft }: Pace): string {
  const perSecond = `${sizeText(Math.round(speed))}/s`
  if (totalBytes === undefined) return `${verb}  ${sizeText(bytes)}  ${perSecond}`
  const share = totalBytes === 0 ? 1 : bytes / totalBytes
  const filled = Math.floor(share * barCells)
  const cells = '█'.repeat(filled) + '░'.repeat(barCells - filled)
  const left = secondsLeft === undefined ? '' : `  ${durationText(Math.ceil(secondsLeft))} left`
  const percent = String(Math.floor(share * 100)).padStart(3)
  return `${verb}  ${cells} ${percent} %  ${sizeText(bytes)} of ${sizeText(totalBytes)}  ${perSecond}${left}`
}
