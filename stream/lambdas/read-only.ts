/**
 * Whether a lambda can be seen to change nothing: `o => o.amount > 500 && o.region === 'eu'`. Without a call, an assignment or a
 * template there is nothing in JavaScript that changes plain data. Whatever is not seen at once is taken to change its row.
 */
const mayChange = [
  // An assignment or a default; comparisons are taken out before.
  /=/,
  /\+\+|--|`/,
  // A call: of a name, of what is in brackets, or of a function that came out of a call.
  /[\w$)\]]\s*(?:\?\.\s*)?\(/,
  /\b(?:delete|new|await|yield|async|function|class|import)\b/,
]

export function isReadOnly(text: string): boolean {
  const arrow = text.indexOf('=>')
  if (arrow < 0) return false
  const parameters = text.slice(0, arrow)
  const body = text.slice(arrow + 2).replace(/[=!]==?|(?<![<>])[<>]=/g, ' ')
  return !mayChange.some(sign => sign.test(parameters) || sign.test(body))
}
