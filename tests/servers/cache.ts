/** Where downloads of test servers stay: outside the repository, shared by all work trees. */
import { homedir } from 'node:os'
import { join } from 'node:path'

export function cacheFolder(...parts: string[]): string {
  const home = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(home, 'riffle', ...parts)
}
