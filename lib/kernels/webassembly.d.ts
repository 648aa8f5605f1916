// What lib/kernels uses of the WebAssembly JavaScript Interface (W3C); the types of Node leave it to those of browsers.
declare namespace WebAssembly {
  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean })
    readonly buffer: ArrayBuffer
    /** By so many pages of 64 KiB; `buffer` is another one afterwards. Returns the former size in pages. Throws RangeError. */
    grow(pages: number): number
  }
  class Module {
    constructor(bytes: Uint8Array)
  }
  class Instance {
    constructor(module: Module, imports?: Record<string, Record<string, unknown>>)
    readonly exports: Record<string, unknown>
  }
}
