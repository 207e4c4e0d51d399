/** The kernels ours is measured beside: tslab and Deno from npm, ipykernel of the private Python; the same task in each one's words. */
import { join } from 'node:path'
import { packageRoot } from '../../kernel/setup/places.ts'
import { ensureSetup } from '../../kernel/setup/setup.ts'
import { privatePython } from '../../kernel/setup/python.ts'
import { startKernel, type StartedKernel } from '../../tests/protocol/client.ts'
import { npmPackages, PeerMissing } from './fetch.ts'

export type KernelName = 'riffle' | 'deno' | 'tslab' | 'ipykernel'

export interface PeerKernel {
  readonly name: KernelName
  /** Undefined for ours. */
  readonly command: ((connectionFile: string) => readonly string[]) | undefined
  readonly python: boolean
  /** As its own kernelspec says: a message on control, or SIGINT. */
  readonly interrupts: 'message' | 'signal'
}

/** Ours first; a peer that cannot be had is left out with a line. */
export async function kernels(): Promise<readonly PeerKernel[]> {
  await ensureSetup({ only: ['bundle', 'python'] })
  const own: PeerKernel = { name: 'riffle', command: undefined, python: false, interrupts: 'message' }
  const ipykernel: PeerKernel = {
    name: 'ipykernel',
    command: file => [privatePython, '-m', 'ipykernel_launcher', '-f', file],
    python: true,
    interrupts: 'signal',
  }
  try {
    const bin = join(await npmPackages('kernels'), 'node_modules/.bin')
    return [
      own,
      {
        name: 'deno',
        command: file => [join(bin, 'deno'), 'jupyter', '--kernel', '--conn', file],
        python: false,
        interrupts: 'signal',
      },
      {
        name: 'tslab',
        command: file => [join(bin, 'tslab'), 'kernel', '--config-path', file],
        python: false,
        interrupts: 'signal',
      },
      ipykernel,
    ]
  } catch (error) {
    if (!(error instanceof PeerMissing)) throw error
    process.stdout.write(`${error.message}\n`)
    return [own, ipykernel]
  }
}

export interface Started {
  readonly kernel: StartedKernel
  readonly readyMs: number
}

/** Started and ready: kernel_info is answered, iopub is heard. Types are as each ships them. */
export async function start(peer: PeerKernel): Promise<Started> {
  const began = performance.now()
  const kernel = await startKernel(
    // tslab checks types: it finds those of Node in the folder it runs in.
    peer.command === undefined ? {} : { command: peer.command, cwd: packageRoot },
  )
  await kernel.client.reply(kernel.client.send('shell', 'kernel_info_request', {}))
  const readyMs = performance.now() - began
  // A kernel may publish before we have subscribed: asked until its idle is heard.
  for (let heard = false; !heard;) {
    const id = kernel.client.send('shell', 'kernel_info_request', {})
    heard = await kernel.client.idle(id, 1000).then(
      () => true,
      () => false,
    )
  }
  return { kernel, readyMs }
}

/** Places a Stop has to reach, in JavaScript and in Python; each prints `go` when it is there. */
export const PLACES: Readonly<Record<string, readonly [js: string, python: string | undefined, deno?: string]>> = {
  loop: ['console.log("go"); for (;;) {}', 'print("go", flush=True)\nwhile True: pass'],
  await: [
    'console.log("go"); await new Promise(done => setTimeout(done, 1e8))',
    'import asyncio\nprint("go", flush=True)\nawait asyncio.sleep(1000)',
  ],
  'loop-after-await': [
    'await Promise.resolve(); console.log("go"); for (;;) {}',
    'import asyncio\nawait asyncio.sleep(0)\nprint("go", flush=True)\nwhile True: pass',
  ],
  'async-function': [
    'async function spin() { await Promise.resolve(); console.log("go"); for (;;) {} }\nawait spin()',
    'import asyncio\nasync def spin():\n  await asyncio.sleep(0)\n  print("go", flush=True)\n  while True: pass\nawait spin()',
  ],
  timer: [
    'setTimeout(() => { console.log("go"); for (;;) {} }, 1); await new Promise(done => setTimeout(done, 1e8))',
    'import asyncio\ndef spin():\n  print("go", flush=True)\n  while True: pass\nasyncio.get_running_loop().call_later(0.001, spin)\nawait asyncio.sleep(1000)',
  ],
  'regular-expression': [
    'console.log("go"); /^(a+)+$/.test("a".repeat(60) + "b")',
    'import re\nprint("go", flush=True)\nre.match(r"^(a+)+$", "a" * 60 + "b")',
  ],
  'child-process': [
    'import { execSync } from "node:child_process"\nconsole.log("go"); execSync("sleep 60")',
    'import subprocess\nprint("go", flush=True)\nsubprocess.run(["sleep", "60"])',
  ],
  prompt: [
    'console.log("go"); await prompt("name")',
    'print("go", flush=True)\ninput("name")',
    'console.log("go"); prompt("name")',
  ],
  queue: ['console.log("go"); for (;;) {}', 'print("go", flush=True)\nwhile True: pass'],
}

/** A Stop that has done nothing by then never will. */
export const NEVER_MS = 5_000

/**
 * Milliseconds from Stop to the reply; `NEVER_MS` when none comes, undefined when the cell had ended before (a kernel without prompts). The
 * kernel is started anew by who goes on.
 */
export async function interruptMs(peer: PeerKernel, place: string, { kernel }: Started): Promise<number | undefined> {
  const [js, python, deno] = PLACES[place] ?? ['', undefined]
  const code = peer.python ? (python ?? '') : peer.name === 'deno' ? (deno ?? js) : js
  const { client } = kernel
  const id = client.execute(code, { allow_stdin: place === 'prompt' })
  const waiting = place === 'queue' ? [client.execute('1 + 1'), client.execute('2 + 2')] : []
  // A kernel whose prints wait for its loop to end never says so: then Stop is pressed all the same.
  await client
    .until(one => one.parent.msg_id === id && String(one.content['text']).includes('go'), 'the place', 1000)
    .catch(() => undefined)
  if (place === 'prompt')
    await client.until(one => one.channel === 'stdin', 'the question', NEVER_MS).catch(() => undefined)
  if (client.received.some(one => one.channel === 'shell' && one.parent.msg_id === id)) return undefined
  const began = performance.now()
  if (peer.interrupts === 'message') client.send('control', 'interrupt_request', {})
  else kernel.process.kill('SIGINT')
  const answered = Promise.all([id, ...waiting].map(async one => await client.reply(one, NEVER_MS)))
  return await answered.then(
    () => performance.now() - began,
    () => NEVER_MS,
  )
}
