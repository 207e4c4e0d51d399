/** `%%bash`: runs the body as a shell script; Stop ends it. */
import { defineMagic, type MagicDefinition } from './define.ts'
import { plainBody } from './html.ts'
import { template } from './values.ts'

export const bash: MagicDefinition = defineMagic({
  name: 'bash',
  kind: 'cell',
  summary: 'Runs the body in bash; what it prints stands below the cell, Stop ends it.',
  positionals: [],
  options: [],
  body: { required: true, summary: 'a shell script, to the end of the cell' },
  plainBody: true,
  examples: [{ text: '%%bash\nls | head -5', says: 'The first files beside the notebook.' }],
  glossary: 'As in IPython.',
  expand: section => ({
    pieces: [
      {
        code: "{\n  const { spawn } = await import('node:child_process')\n  const { default: events } = await import('node:events')\n",
      },
      { code: '  const script = ' },
      { code: template(plainBody(section)), from: section.body },
      {
        code: "\n  const shell = spawn('bash', ['-c', script], { stdio: ['ignore', 'inherit', 'inherit'], signal: notebook.signal })\n",
      },
      { code: "  const [code, signal] = await events.once(shell, 'close')\n" },
      { code: '  if (code !== 0) throw new Error(`bash ended with ${code ?? signal}`)\n}' },
    ],
  }),
})
