/** The kernel that all tests of a file share; shut down after the last of them. */
import assert from 'node:assert/strict'
import { after } from 'node:test'
import { startKernel, type Client, type StartedKernel } from './client.ts'

export async function kernelOfFile(): Promise<StartedKernel> {
  const kernel = await startKernel()
  after(async () => await kernel.stop())
  return kernel
}

/** Does `ask` while a cell loops and makes sure that the cell has not ended meanwhile; then stops it. */
export async function whileLooping(client: Client, ask: () => Promise<void>): Promise<void> {
  const id = client.execute('console.log("looping"); while (true) {}')
  await client.until(message => message.parent.msg_id === id && message.content['text'] === 'looping\n')
  await ask()
  assert.equal(
    client.received.some(message => message.parent.msg_id === id && message.header.msg_type === 'execute_reply'),
    false,
  )
  client.send('control', 'interrupt_request', {})
  await client.idle(id)
}
