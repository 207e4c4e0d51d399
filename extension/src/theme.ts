/** JupyterLab's theme as a Vega config, read from its CSS variables; the series colours are ours, for light and dark. */

export interface ChartTheme {
  readonly light: boolean
  readonly background: string
  readonly text: string
  readonly font: string
  /** Of the series. */
  readonly colours: readonly string[]
  readonly config: Record<string, unknown>
}

/** Told apart in both themes and by most colour-blind eyes; contrast at least 3:1 against the theme's ground. */
const LIGHT_SERIES = [
  '#1f6fb4',
  '#d9621b',
  '#2a8a57',
  '#8e4bb0',
  '#c33a52',
  '#0f8b98',
  '#8a6a1f',
  '#b0468f',
  '#5d6b7a',
  '#5a7d1e',
]
const DARK_SERIES = [
  '#6cb2f0',
  '#f59a57',
  '#63cf96',
  '#c79bea',
  '#f5808f',
  '#4fd0da',
  '#e0be62',
  '#ef93cf',
  '#a9b7c6',
  '#abd05c',
]

const DARK_CELLS = { scheme: 'darkmulti' }
const DARK_SHADES = { scheme: 'darkblue' }

export function readTheme(): ChartTheme {
  const style = getComputedStyle(document.body)
  const variable = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise
  const light = document.body.dataset['jpThemeLight'] !== 'false'
  const text = variable('--jp-ui-font-color1', light ? '#212121' : '#e0e0e0')
  const quiet = variable('--jp-ui-font-color2', light ? '#616161' : '#bdbdbd')
  const line = variable('--jp-border-color2', light ? '#e0e0e0' : '#424242')
  const font = variable('--jp-ui-font-family', 'system-ui, sans-serif')
  const axis = {
    labelColor: quiet,
    titleColor: quiet,
    gridColor: line,
    domainColor: line,
    tickColor: line,
    labelFontSize: 11,
    titleFontSize: 11,
    titleFontWeight: 'normal',
    titlePadding: 8,
  }
  const series = light ? LIGHT_SERIES : DARK_SERIES
  return {
    light,
    background: variable('--jp-layout-color0', light ? '#ffffff' : '#111111'),
    text,
    font,
    colours: series,
    config: {
      background: 'transparent',
      font,
      aria: false,
      // A time at the end of its axis stands half beyond it.
      padding: { left: 4, right: 28, top: 6, bottom: 4 },
      view: { stroke: null },
      axis,
      legend: { labelColor: text, titleColor: quiet, labelFontSize: 11, symbolStrokeWidth: 3 },
      title: { color: text, fontSize: 13, fontWeight: 600, offset: 8 },
      text: { color: text },
      mark: { color: series[0] },
      // Much is far from the ground: dark on light, light on dark.
      range: light ? { category: series } : { category: series, heatmap: DARK_CELLS, ramp: DARK_SHADES },
    },
  }
}
