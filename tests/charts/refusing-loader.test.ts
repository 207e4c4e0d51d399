import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import * as vega from 'vega'
import { compile } from 'vega-lite'
import { refusingLoader } from '../../extension/src/refusing-loader.ts'
import type { AddressInfo } from 'node:net'

test('a view with the loader of charts asks no server and reads no file, whatever its spec says', async () => {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(String(request.url))
    response.end('[{"a":1}]')
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const folder = mkdtempSync(join(tmpdir(), 'riffle-loader-'))
  try {
    const file = join(folder, 'secret.json')
    writeFileSync(file, '[{"a":1}]')
    const { port } = server.address() as AddressInfo
    for (const url of [`http://127.0.0.1:${port}/rows.json`, file, `file://${file}`]) {
      const spec = compile({
        data: { name: 'rows', url },
        mark: 'point',
        encoding: { x: { field: 'a', type: 'quantitative' } },
      }).spec
      const rowsWith = async (loader: vega.Loader): Promise<number> => {
        const view = new vega.View(vega.parse(spec), { renderer: 'none', loader, logLevel: vega.None })
        await view.runAsync()
        const rows = view.data('rows').length
        view.finalize()
        return rows
      }
      assert.equal(await rowsWith(vega.loader()), 1, `Vega itself reads ${url}`)
      asked.length = 0
      assert.equal(await rowsWith(refusingLoader()), 0)
    }
    assert.deepEqual(asked, [])
    await assert.rejects(refusingLoader().load('https://example.org/x.png'), /Riffle charts load nothing: https/)
  } finally {
    server.close()
    rmSync(folder, { recursive: true })
  }
})
