/** Rows of a Parquet file, uncompressed or packed with snappy, as what most programs write. */
import { StreamError } from '../errors.ts'

/** Throws OPTION_INVALID when there is none, VALUE_UNDECODABLE when it is no Parquet. */
export async function readParquetFile(path: string): Promise<Record<string, unknown>[]> {
  const { asyncBufferFromFile, parquetReadObjects } = await import('hyparquet')
  try {
    return await parquetReadObjects({ file: await asyncBufferFromFile(path) })
  } catch (cause) {
    const gone = (cause as NodeJS.ErrnoException).code === 'ENOENT'
    throw new StreamError({
      code: gone ? 'OPTION_INVALID' : 'VALUE_UNDECODABLE',
      message: `Cannot read file "${path}"${gone ? ': there is no such file' : ` as Parquet: ${(cause as Error).message}`}`,
      cause,
    })
  }
}
