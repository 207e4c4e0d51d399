/** What kernel_info answers; only what works is declared. */
import { PROTOCOL } from './message.ts'

export const VERSION = '0.1.0'

export const KERNEL_INFO = {
  status: 'ok',
  protocol_version: PROTOCOL,
  implementation: 'riffle',
  implementation_version: VERSION,
  language_info: {
    name: 'typescript',
    version: '7.0.2',
    mimetype: 'text/typescript',
    file_extension: '.ts',
    pygments_lexer: 'typescript',
    codemirror_mode: { name: 'javascript', typescript: true },
    nbconvert_exporter: 'script',
  },
  banner: `Riffle ${VERSION} – TypeScript and streams. %quickref shows the magics on one page.`,
  help_links: [{ text: 'TypeScript', url: 'https://www.typescriptlang.org/docs/' }],
  debugger: false,
  supported_features: ['kernel subshells'],
}
