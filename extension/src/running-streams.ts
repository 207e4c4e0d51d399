/** The section of JupyterLab's Running panel with the streams of all open notebooks: told once a second, drawn when a stream comes, goes or changes its state. */
import { Signal } from '@lumino/signaling'
import { runningIcon } from '@jupyterlab/ui-components'
import { compact } from './numbers.ts'
import type { IRunningSessions } from '@jupyterlab/running'
import type { KernelLink } from './kernel-link.ts'
import type { StreamLine } from '../../stream/charts/protocol.ts'

export interface StreamHome {
  /** Where the notebook lies. */
  readonly path: string
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
  readonly #known = new Map<KernelLink, Known>()

  /** Follows the streams of one kernel connection; the answer stops following. */
  follow(home: StreamHome, link: KernelLink): () => void {
    const unfollow = link.followStreams(streams => {
      const before = stateOf(this.#known.get(link)?.streams ?? [])
      this.#known.set(link, { home, link, streams })
      if (stateOf(streams) !== before) this.runningChanged.emit()
    })
    return () => {
      unfollow()
      if (this.#known.delete(link)) this.runningChanged.emit()
    }
  }

  running(): IRunningSessions.IRunningItem[] {
    return [...this.#known.values()].flatMap(({ home, link, streams }) =>
      streams.map(stream => ({
        label: () => stream.name,
        labelTitle: () => `${stream.name} in ${home.path}\n${stream.outline}`,
        context: home.path,
        icon: () => runningIcon,
        detail: () => (stream.state === 'running' ? `${compact(stream.recordsPerSecond)}/s` : stream.state),
        open: () => home.show(stream.cellId),
        shutdown: () => link.controlStream(stream.name, 'stop'),
      })),
    )
  }

  shutdownAll(): void {
    for (const link of this.#known.keys()) link.stopAll()
  }

  refreshRunning(): void {
    this.runningChanged.emit()
  }
}

function stateOf(streams: readonly StreamLine[]): string {
  return streams.map(({ name, state }) => `${name} ${state}`).join('\n')
}
