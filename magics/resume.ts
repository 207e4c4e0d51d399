/** `%resume NAME…`: paused streams go on where they stood. */
import type { MagicDefinition } from './define.ts'
import { controlMagic } from './stop.ts'

export const resume: MagicDefinition = controlMagic(
  'resume',
  'Paused streams go on where they stood; nothing is skipped.',
  {
    glossary: 'Flink: restart from savepoint · Kafka Streams: KafkaStreams#resume · Beam: no counterpart',
    one: 'The stream revenue goes on.',
    all: 'Everything paused goes on.',
  },
)
