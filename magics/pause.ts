/** `%pause NAME…`: streams stop reading and keep their state. */
import type { MagicDefinition } from './define.ts'
import { controlMagic } from './stop.ts'

export const pause: MagicDefinition = controlMagic(
  'pause',
  'Streams stop reading at a record boundary and keep their state.',
  {
    glossary: 'Flink: stop with savepoint · Kafka Streams: KafkaStreams#pause · Beam: no counterpart',
    one: 'The stream revenue reads nothing more until %resume revenue.',
    all: 'Nothing is read any more.',
  },
)
