/** kafkajs' encoder and decoder, for what it has no request of its own; and what members of a group were given. */
import { createRequire } from 'node:module'

const load = createRequire(import.meta.url)

export interface KafkaEncoder {
  writeString(text: string): KafkaEncoder
  writeArray(items: readonly (KafkaEncoder | number)[]): KafkaEncoder
}

export interface KafkaDecoder {
  readBoolean(): boolean
  readInt16(): number
  readInt32(): number
  readInt64(): bigint | { toString(): string }
  readString(): string
  readArray<T>(item: (decoder: KafkaDecoder) => T): T[]
}

export function connectionParts(): {
  readonly Encoder: new () => KafkaEncoder
  readonly Decoder: new (bytes: Buffer) => KafkaDecoder
} {
  return {
    Encoder: load('kafkajs/src/protocol/encoder') as new () => KafkaEncoder,
    Decoder: load('kafkajs/src/protocol/decoder') as new (bytes: Buffer) => KafkaDecoder,
  }
}

/** Partitions by topic; empty for members that are not consumers (Connect) and say it in another way. */
export function assignmentOf(bytes: Buffer): ReadonlyMap<string, readonly number[]> {
  const { AssignerProtocol } = load('kafkajs') as {
    AssignerProtocol: { MemberAssignment: { decode(bytes: Buffer): { assignment: Record<string, number[]> } | null } }
  }
  try {
    return new Map(Object.entries(AssignerProtocol.MemberAssignment.decode(bytes)?.assignment ?? {}))
  } catch {
    return new Map()
  }
}
