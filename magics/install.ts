/** `%install PACKAGE…`: installs npm packages beside the notebook. */
import { join } from './code.ts'
import { defineMagic, type MagicDefinition, type SectionContext } from './define.ts'
import { valueCode } from './values.ts'

/** What npm takes as a package of the registry: name, scope, version; no path, no URL, no option. */
const PACKAGE = /^(?:@[a-z0-9][\w.-]*\/)?[a-z0-9][\w.-]*(?:@[\w.^~<>=*+-]+)?$/i

export const install: MagicDefinition = defineMagic({
  name: 'install',
  kind: 'line',
  summary: 'Installs npm packages beside the notebook; the next cell can import them.',
  positionals: [
    {
      name: 'PACKAGE',
      type: 'text',
      required: true,
      repeated: true,
      summary: 'Name, with @version for a certain one.',
    },
  ],
  options: [],
  examples: [{ text: '%install date-fns', says: "Then: import { format } from 'date-fns'" }],
  glossary: 'As in IPython (%pip install).',
  expand: (section, context: SectionContext) => {
    const wrong = section.positionals.find(one => !one.expression && !PACKAGE.test(one.value))
    if (wrong !== undefined)
      context.fail(`"${wrong.value}" is not the name of an npm package`, wrong, '%install date-fns')
    const names = section.positionals.map(one => valueCode(one, 'text', context.verbatim))
    return {
      pieces: [
        { code: "{\n  const { spawn } = await import('node:child_process')\n" },
        { code: "  const { default: events } = await import('node:events')\n" },
        { code: "  const words = ['install', '--prefix', '.', '--no-audit', '--no-fund', " },
        ...join(names, ', '),
        {
          code: "]\n  const npm = spawn('npm', words, { cwd: __dirname, stdio: ['ignore', 'inherit', 'inherit'], signal: notebook.signal })\n",
        },
        { code: "  const [code, signal] = await events.once(npm, 'close')\n" },
        { code: '  if (code !== 0) throw new Error(`npm ended with ${code ?? signal}`)\n}' },
      ],
    }
  },
})
