/** Bundles extension/page/chart-page.ts and opens it in Chromium, in JupyterLab's colours; nothing is fetched. */
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import type { AddressInfo } from 'node:net'
import { build } from 'esbuild'
import { chromium, type Browser, type Page } from 'playwright-core'
import { chromiumFlags, ensureChromium } from '../../kernel/setup/chromium.ts'

/** Longest wait for anything in the page; a machine with two busy cores is slow, not broken. */
export const HANG_LIMIT_MS = 60_000

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

const COLOURS = `
body { margin: 16px; background: var(--jp-layout-color0);
  --jp-layout-color0: #fff; --jp-layout-color1: #fff; --jp-layout-color2: #eee; --jp-border-color2: #e0e0e0; --jp-border-color3: #eee;
  --jp-ui-font-color1: rgba(0,0,0,.87); --jp-ui-font-color2: rgba(0,0,0,.54); --jp-ui-font-color3: rgba(0,0,0,.38);
  --jp-ui-font-family: system-ui, sans-serif; --jp-ui-font-size1: 13px; --jp-brand-color1: #1976d2; --jp-success-color1: #388e3c;
  --jp-warn-color1: #f57c00; --jp-error-color1: #d32f2f; }
body.dark { --jp-layout-color0: #111; --jp-layout-color1: #212121; --jp-layout-color2: #424242; --jp-border-color2: #424242;
  --jp-border-color3: #333; --jp-ui-font-color1: rgba(255,255,255,.87); --jp-ui-font-color2: rgba(255,255,255,.54);
  --jp-ui-font-color3: rgba(255,255,255,.38); --jp-brand-color1: #42a5f5; --jp-success-color1: #4caf50; --jp-error-color1: #f44336; }`

export interface OpenPage {
  readonly page: Page
  /** Errors of the page so far, with those of the console. */
  readonly errors: string[]
  close(): Promise<void>
}

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: await ensureChromium(), args: [...chromiumFlags] })
}

/** With `policy` the page comes from a server with that Content-Security-Policy header, and its script from a file beside it. */
export async function openChartPage(browser: Browser, { policy }: { policy?: string } = {}): Promise<OpenPage> {
  const bundled = await build({
    entryPoints: [here('../../extension/page/chart-page.ts')],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    logLevel: 'error',
  })
  const script = bundled.outputFiles[0]?.text ?? ''
  const style = await readFile(here('../../extension/style/index.css'), 'utf8')
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } })
  page.setDefaultTimeout(HANG_LIMIT_MS)
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  page.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  const html = (end: string): string =>
    `<!doctype html><html><head><style>${COLOURS}${style}</style></head><body data-jp-theme-light="true">${end}</body></html>`
  if (policy === undefined) {
    await page.setContent(html(''))
    await page.addScriptTag({ content: script })
    return { page, errors, close: () => page.close() }
  }
  const server = createServer((request, response) => {
    response.setHeader('Content-Security-Policy', policy)
    response.setHeader('Content-Type', request.url === '/' ? 'text/html' : 'text/javascript')
    response.end(request.url === '/' ? html('<script src="/page.js"></script>') : `${PROBE}\n${script}`)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await page.goto(`http://127.0.0.1:${port}/`)
  const close = async (): Promise<void> => {
    await page.close()
    server.closeAllConnections()
    server.close()
  }
  return { page, errors, close }
}

/** By a script of the page: what a debugger evaluates is above the policy. */
const PROBE = `try { new Function('return 1')(); document.title = 'eval' } catch { document.title = 'no eval' }`
