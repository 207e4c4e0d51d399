/** `prod:orders` → connection `prod`, topic `orders`; without a colon the connection is `embedded`. */
export function splitTopicName(name: string): { connection: string; topic: string } {
  const colon = name.indexOf(':')
  return colon < 0
    ? { connection: 'embedded', topic: name }
    : { connection: name.slice(0, colon), topic: name.slice(colon + 1) }
}
