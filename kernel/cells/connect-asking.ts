/** A login without a password asks for it, so that it need not be typed into a cell, where it would be kept. */
import { StreamError } from '../../stream/errors.ts'
import { keepSecret } from '../../stream/redact.ts'
import type { ConnectSettings } from '../../stream/targets/runtime.ts'

/** Asks the person at the notebook; null when there is nobody. */
export type Ask = (text: string, options?: { readonly password?: boolean }) => Promise<string | null>

type Connect = (settings: ConnectSettings) => Promise<{ name: string; url: string }>

export async function connectAsking(
  connect: Connect,
  settings: ConnectSettings,
  ask: Ask | undefined,
): Promise<{ name: string; url: string }> {
  try {
    return await connect(settings)
  } catch (error) {
    if (ask === undefined || !(error instanceof StreamError) || error.code !== 'CREDENTIALS_NEEDED') throw error
    if (error.message.includes('no token')) {
      const token = await ask('Token:', { password: true })
      if (token === null) throw error
      keepSecret(token)
      return await connect({ ...settings, token })
    }
    const user = error.message.includes('no user') ? await ask('User:') : settings.user
    const password = user === null ? null : await ask('Password:', { password: true })
    if (user === null || password === null) throw error
    keepSecret(password)
    return await connect({ ...settings, ...(user === undefined ? {} : { user }), password })
  }
}
