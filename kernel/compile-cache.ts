/** Node 22 and later keep compiled code between starts: half of what a process spends before its first message is compiling. */
import * as nodeModule from 'node:module'

export function keepCompiledCode(): void {
  // Not in Node 20, whose types we build against.
  const { enableCompileCache } = nodeModule as { enableCompileCache?: () => unknown }
  enableCompileCache?.()
}
