/**
 * Put into the page before anything else: sees each picture that is drawn, whoever draws it, and the time of the newest row in it.
 * A picture is counted once, when it shows rows that the one before did not.
 */
;(() => {
  const pictures = []
  const numbers = new WeakMap()
  const newest = []

  /** The output of a cell that a node stands in, also from inside shadow roots. */
  function outputOf(node) {
    for (let at = node; at;) {
      const found = at.closest?.('.jp-OutputArea-child')
      if (found) return found
      at = at.getRootNode?.().host
    }
    return null
  }

  function chartAt(place) {
    let chart = numbers.get(place)
    if (chart === undefined) numbers.set(place, (chart = newest.push(0) - 1))
    return chart
  }

  function sawUnread(place) {
    if (place !== null) pictures.push([chartAt(place), Date.now(), null])
  }

  function saw(place, newestMs) {
    if (place === null || !Number.isFinite(newestMs)) return
    const chart = chartAt(place)
    if (newestMs <= newest[chart]) return
    newest[chart] = newestMs
    pictures.push([chart, Date.now(), newestMs])
  }

  // Vega: the time axis has one label, the newest time.
  const { fillText, clearRect } = CanvasRenderingContext2D.prototype
  CanvasRenderingContext2D.prototype.fillText = function (...args) {
    const label = args[0]
    if (typeof label === 'string' && label.length === 13 && /^\d+$/.test(label)) {
      const { canvas } = this
      const seen = () => canvas.isConnected && saw(outputOf(canvas), Number(label))
      // Some draw first and put the canvas into the page then; a picture made for the file never gets there.
      if (canvas.isConnected) seen()
      else requestAnimationFrame(seen)
    }
    return fillText.apply(this, args)
  }

  // Bokeh: a canvas is wiped, then drawn from the documents as they stand now.
  CanvasRenderingContext2D.prototype.clearRect = function (...args) {
    if (globalThis.Bokeh !== undefined && this.canvas.isConnected === true) sawBokeh()
    return clearRect.apply(this, args)
  }
  function sawBokeh() {
    for (const view of Object.values(globalThis.Bokeh.index?.roots ?? globalThis.Bokeh.index ?? {})) {
      const times = view.model.renderers?.[0]?.data_source?.data?.at
      if (times !== undefined) saw(outputOf(view.el), Number(times[times.length - 1]))
    }
  }

  // Perspective draws in a worker and copies the picture into the page; what rows it shows cannot be seen from here.
  const { drawImage } = CanvasRenderingContext2D.prototype
  CanvasRenderingContext2D.prototype.drawImage = function (...args) {
    if (this.canvas.getRootNode().host?.localName.startsWith('perspective')) sawUnread(outputOf(this.canvas))
    return drawImage.apply(this, args)
  }

  // Plotly tells when it has drawn.
  const followed = new WeakSet()
  function followPlotly() {
    for (const plot of document.querySelectorAll('.js-plotly-plot')) {
      if (followed.has(plot) || typeof plot.on !== 'function') continue
      followed.add(plot)
      plot.on('plotly_afterplot', () => {
        const times = plot.data[0]?.x
        if (times) saw(outputOf(plot), Number(times[times.length - 1]))
      })
    }
  }

  globalThis.raceProbe = {
    /** How many charts have been seen drawn. */
    charts() {
      followPlotly()
      return newest.length
    },
    /** The pictures since the last call: `[chart, painted ms, newest row ms]`. */
    take: () => pictures.splice(0),
  }
})()
