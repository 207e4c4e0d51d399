/** `console` and `process.stdout` print in the cell they are called from. Raw fd 1 and 2 stay pipes read by the supervisor. */
import { StringDecoder } from 'node:string_decoder'
import type { Channel } from './channel.ts'
import type { Runs } from './run.ts'

type Done = (error?: Error | null) => void

export function captureOutput(channel: Channel, runs: Runs): void {
  for (const name of ['stdout', 'stderr'] as const) {
    const decoder = new StringDecoder('utf8')
    const write = (chunk: string | Uint8Array, encoding?: BufferEncoding | Done, done?: Done): boolean => {
      const text = typeof chunk === 'string' ? decode(chunk, encoding) : decoder.write(Buffer.from(chunk))
      channel.print(runs.parentId, name, text)
      const callback = typeof encoding === 'function' ? encoding : done
      if (callback !== undefined) process.nextTick(callback)
      return true
    }
    process[name].write = write as typeof process.stdout.write
  }
}

function decode(chunk: string, encoding: BufferEncoding | Done | undefined): string {
  const plain = typeof encoding !== 'string' || encoding === 'utf8' || encoding === 'utf-8'
  return plain ? chunk : Buffer.from(chunk, encoding).toString('utf8')
}
