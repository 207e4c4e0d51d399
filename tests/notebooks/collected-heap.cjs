/** Preloaded into a kernel's processes: SIGUSR2 collects garbage and writes what is left, in MB, to the folder of RIFFLE_TEST_HEAP. */
const { renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { setFlagsFromString } = require('node:v8')
const { runInNewContext } = require('node:vm')
const { isMainThread } = require('node:worker_threads')

const folder = process.env['RIFFLE_TEST_HEAP']
if (isMainThread && folder !== undefined) {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  process.on('SIGUSR2', () => {
    collect()
    const file = join(folder, String(process.pid))
    writeFileSync(`${file}.part`, String(process.memoryUsage().heapUsed / 1024 / 1024))
    renameSync(`${file}.part`, file)
  })
}
