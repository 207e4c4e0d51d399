/** Names a user may have meant, for errors: closest first, none when nothing is close. */
import { distance } from 'fastest-levenshtein'
import { StreamError } from '../errors.ts'

export function nearestNames(typed: string, names: readonly string[], most = 3): string[] {
  const allowed = Math.max(2, Math.floor(typed.length / 3))
  return names
    .map(name => ({ name, far: name.startsWith(typed) ? 0 : distance(typed.toLowerCase(), name.toLowerCase()) }))
    .filter(each => each.far <= allowed)
    .sort((a, b) => a.far - b.far || (a.name < b.name ? -1 : 1))
    .slice(0, most)
    .map(each => each.name)
}

/** TOPIC_UNKNOWN with the nearest names, else the first few there are. */
export function unknownTopic(action: string, topic: string, connection: string, names: readonly string[]): StreamError {
  const near = nearestNames(topic, names)
  const some =
    near.length > 0
      ? `nearest: ${near.join(', ')}`
      : names.length === 0
        ? 'it has none'
        : `it has ${names.slice(0, 8).join(', ')}${names.length > 8 ? ' …' : ''}`
  return new StreamError({
    code: 'TOPIC_UNKNOWN',
    message: `Cannot ${action} topic "${topic}": connection "${connection}" has no such topic, ${some}`,
    hint: near.length > 0 ? `%topic ${near[0]}` : `%topics create ${topic}`,
  })
}
