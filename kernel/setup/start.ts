/**
 * `npm start`: sets everything up and opens JupyterLab on the notebooks.
 *
 *   npm start -- [--port N] [--no-open] [--check]
 *
 * `--check` stops the server as soon as it answered; it is for trying the set-up itself.
 */
import { parseArgs } from 'node:util'
import { runLab, runMain } from './lab.ts'
import { SetupProblem } from './problem.ts'
import { ensureSetup } from './setup.ts'

await runMain(async () => {
  const { port, 'no-open': quiet, check } = readArguments()
  await ensureSetup()
  await runLab({ port, open: !quiet && !check, check })
})

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        port: { type: 'string' },
        'no-open': { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
      },
    })
    const port = values.port === undefined ? undefined : Number(values.port)
    if (port !== undefined && !(port > 0 && port < 65536))
      throw new Error(`--port takes 1 to 65535, not "${values.port}"`)
    return { ...values, port }
  } catch (error) {
    throw new SetupProblem(
      `Cannot start: ${(error as Error).message.split('.')[0]}; usage: npm start -- [--port N] [--no-open]`,
    )
  }
}
