/** The section of JupyterLab's Running panel with the streams of all open notebooks. Asked when the panel is looked at, not before. */
import { Signal } from '@lumino/signaling'
import { runningIcon } from '@jupyterlab/ui-components'
import { compact } from './numbers.ts'
import type { IRunningSessions } from '@jupyterlab/running'
import type { KernelLink } from './kernel-link.ts'
import type { StreamLine } from '../../stream/charts/protocol.ts'

export interface StreamHome {
  /** Where the notebook lies. */
  readonly path: string
  ownLink(): Promise<KernelLink | null>
  /** Brings the notebook to the front, at the cell of the stream where it is known. */
  show(cellId: string | null): void
}

interface Known {
  readonly home: StreamHome
  readonly link: KernelLink
  readonly streams: readonly StreamLine[]
}

export class RunningStreams implements IRunningSessions.IManager {
  readonly name = 'Streams'
  readonly shutdownLabel = 'Stop'
  readonly shutdownAllLabel = 'Stop All'
  readonly shutdownAllConfirmationText = 'Stop all streams of all notebooks? Their charts keep their last frame.'
  readonly runningChanged = new Signal<this, void>(this)
  readonly #homes: () => readonly StreamHome[]
  #known: readonly Known[] = []

  constructor(homes: () => readonly StreamHome[]) {
    this.#homes = homes
  }

  running(): IRunningSessions.IRunningItem[] {
    return this.#known.flatMap(({ home, link, streams }) =>
      streams.map(stream => ({
        label: () => stream.name,
        labelTitle: () => `${stream.name} in ${home.path}\n${stream.outline}`,
        context: home.path,
        icon: () => runningIcon,
        detail: () => (stream.state === 'running' ? `${compact(stream.recordsPerSecond)}/s` : stream.state),
        open: () => home.show(stream.cellId),
        shutdown: () => {
          link.controlStream(stream.name, 'stop')
          this.refreshRunning()
        },
      })),
    )
  }

  shutdownAll(): void {
    for (const { link } of this.#known) link.stopAll()
    this.refreshRunning()
  }

  refreshRunning(): void {
    void this.#ask()
  }

  async #ask(): Promise<void> {
    const known = await Promise.all(
      this.#homes().map(async home => {
        const link = await home.ownLink()
        return link === null ? [] : [{ home, link, streams: await link.askStreams() }]
      }),
    )
    this.#known = known.flat()
    this.runningChanged.emit()
  }
}
