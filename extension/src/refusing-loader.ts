/** A chart draws its rows and nothing else: no spec may read from or write to the network, or from a file. */
import { loader } from 'vega'
import type { Loader } from 'vega'

export function refusingLoader(): Loader {
  const refuse = (uri: string): Promise<never> =>
    Promise.reject(new Error(`Riffle charts load nothing: ${uri.slice(0, 80)}`))
  return { ...loader(), load: refuse, sanitize: refuse, http: refuse, file: refuse }
}
