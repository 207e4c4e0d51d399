/** What keeps a text from being JSON, in the words of the parser; undefined when nothing does. */
export function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
