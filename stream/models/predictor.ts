/** What a stream asks of a model at work: rows of numbers in, rows of numbers out, at once. */
export interface Predictor {
  /** How it is computed, for people: `compiled`, `tensorflow.js wasm`, `tensorflow.js cpu`, `onnx`. */
  readonly engine: string
  /** Numbers of one row; of a sequence model, of one step. */
  readonly inputs: number
  /** Rows that make one input; 1 unless the model takes sequences. */
  readonly steps: number
  readonly outputs: number
  /** What a user ought to know: a fallback, a check that could not be made. */
  readonly notices: readonly string[]
  /** Tensors alive in the engine; constant while rows flow. Absent: it has none. */
  readonly tensorCount?: number | undefined
  /**
   * `count` rows of `steps × inputs` numbers. The result belongs to the call: it is overwritten by the next.
   *
   * @throws StreamError MODEL_FAILED
   */
  predict(rows: Float32Array, count: number): Float32Array
  close(): void
}
