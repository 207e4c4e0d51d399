/** `generate` inline: a body is called in this thread for each record that comes due. */
import { EmbeddedConnection } from '../connectors/embedded.ts'
import type { Connection } from '../connectors/connector.ts'
import { StreamError } from '../errors.ts'
import { randomOf, saltOf } from '../log/random.ts'
import type { RecordMaker } from '../log/generated-feed.ts'
import type { LambdaSlot } from '../plan.ts'
import { readEventTime } from '../time/event-time.ts'
import type { GenerateOptions } from './runtime.ts'

export async function localGenerator(
  connection: Connection,
  topic: string,
  options: GenerateOptions,
  body: LambdaSlot | undefined,
): Promise<void> {
  if (!(connection instanceof EmbeddedConnection)) {
    throw new StreamError({
      code: 'OPTION_INVALID',
      message: `Cannot generate into topic "${topic}": only embedded topics have generators`,
    })
  }
  await connection.generate(topic, options, typeof body === 'function' ? makerOf(body, topic, options.time) : undefined)
}

function makerOf(body: (...args: never[]) => unknown, topic: string, time: string | undefined): RecordMaker {
  // The signature language.md gives a body.
  const make = body as unknown as (i: number, random: () => number, at: number) => unknown
  const salt = saltOf(topic)
  return due =>
    due.map(({ index, atMs, pace }) => {
      const row = make(index, randomOf(pace.seed, salt, index), atMs)
      if (row === undefined) return undefined
      const at =
        time === undefined || row === null || typeof row !== 'object'
          ? undefined
          : readEventTime(Reflect.get(row, time), time)
      return { key: null, row, timestampMs: typeof at === 'number' ? at : undefined }
    })
}
