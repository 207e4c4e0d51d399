/** Gives the reader a file, by the browser's own download. Nothing leaves the machine. */

/** `content` is text, or a PNG as data URL. */
export function saveFile(name: string, content: string): void {
  const link = document.createElement('a')
  const url = content.startsWith('data:image/png')
    ? content
    : URL.createObjectURL(new Blob([content], { type: 'text/csv' }))
  link.href = url
  link.download = name
  link.click()
  if (url !== content) URL.revokeObjectURL(url)
}

/** A chart's title as a file name: titles come from streams. */
export function fileName(title: string): string {
  const safe = title.replace(/[^\p{L}\p{N}._ -]+/gu, '-').replace(/^[.\s-]+|[.\s-]+$/g, '')
  return safe.slice(0, 80) || 'chart'
}
