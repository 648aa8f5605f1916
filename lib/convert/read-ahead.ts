/**
 * What `source` gives, taken from it before it is asked for: as long as what waits is less than `most`, by `sizeOf`. Ending the iteration ends
 * that of the source, which must not use its pieces again.
 */
export async function* readAhead<Piece>(
  source: AsyncIterable<Piece>,
  { most, sizeOf }: { most: number; sizeOf: (piece: Piece) => number },
): AsyncGenerator<Piece, void> {
  const pieces = source[Symbol.asyncIterator]()
  const waiting: Piece[] = []
  let size = 0
  let state: { reading: boolean; failure?: { error: unknown } } = { reading: true }
  let onPiece = (): void => undefined
  let onRoom = (): void => undefined

  async function read(): Promise<void> {
    try {
      for (let step = await pieces.next(); !step.done; step = await pieces.next()) {
        waiting.push(step.value)
        size += sizeOf(step.value)
        onPiece()
        while (state.reading && size >= most) await new Promise<void>(resolve => (onRoom = resolve))
        if (!state.reading) return
      }
      state = { reading: false }
    } catch (error) {
      state = { reading: false, failure: { error } }
    }
    onPiece()
  }

  const done = read()
  try {
    for (;;) {
      while (state.reading && waiting.length === 0) await new Promise<void>(resolve => (onPiece = resolve))
      const piece = waiting.shift()
      if (piece === undefined) {
        if (state.failure) throw state.failure.error
        return
      }
      size -= sizeOf(piece)
      onRoom()
      yield piece
    }
  } finally {
    state = { reading: false }
    onRoom()
    await pieces.return?.()
    await done
  }
}
