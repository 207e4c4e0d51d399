/** The status bar's line about the notebook in front: how many streams run, how fast they read. A click opens the panel. */
import { setText } from './panel-parts.ts'
import { Widget } from '@lumino/widgets'
import { compact } from './numbers.ts'
import type { KernelLink } from './kernel-link.ts'
import type { StreamLine } from '../../stream/charts/protocol.ts'

export class StatusItem extends Widget {
  readonly #button = Object.assign(document.createElement('button'), { type: 'button' as const })
  #link: KernelLink | null = null
  #unfollow: (() => void) | null = null
  #enabled = true

  constructor(open: () => void) {
    super()
    this.addClass('riffle-status')
    this.#button.title = 'Show the streams of this notebook'
    this.#button.addEventListener('click', open)
    // The status bar shows and hides its items as it likes; what is in them is ours.
    this.#button.hidden = true
    this.node.append(this.#button)
  }

  setLink(link: KernelLink | null): void {
    if (link === this.#link) return
    this.#link = link
    this.#follow()
  }

  setEnabled(enabled: boolean): void {
    if (enabled === this.#enabled) return
    this.#enabled = enabled
    this.#follow()
  }

  override dispose(): void {
    this.#unfollow?.()
    super.dispose()
  }

  #follow(): void {
    this.#unfollow?.()
    this.#unfollow = null
    this.#button.hidden = true
    if (this.#link === null || !this.#enabled) return
    this.#unfollow = this.#link.followStreams(streams => this.#update(streams))
  }

  #update(streams: readonly StreamLine[]): void {
    const text = statusText(streams)
    setText(this.#button, text)
    this.#button.hidden = streams.length === 0
  }
}

/** `3 streams · 1.2K/s`, and what is not as it should be. */
export function statusText(streams: readonly StreamLine[]): string {
  const running = streams.filter(stream => stream.state === 'running')
  const failed = streams.filter(stream => stream.state === 'failed').length
  const rate = running.reduce((sum, stream) => sum + stream.recordsPerSecond, 0)
  return [
    streams.length === 1 ? '1 stream' : `${streams.length} streams`,
    ...(running.length === 0 ? [] : [`${compact(rate)}/s`]),
    ...(failed === 0 ? [] : [`${failed} failed`]),
  ].join(' · ')
}
