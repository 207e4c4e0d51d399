/** Two writers of one transactional id: the newer one goes on. */
import { StreamError } from '../errors.ts'

export function fenced(topic: string, id: string, cause?: unknown): StreamError {
  return new StreamError({
    code: 'SINK_FENCED',
    message: `Cannot write on to topic "${topic}": another sink took over the transactional id "${id}"`,
    detail: 'What this one had committed stays, the rest was undone',
    hint: 'Stop one of them, or give this one a name of its own: %sink … --as NAME',
    cause,
  })
}
