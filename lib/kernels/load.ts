const modules = new Map<string, WebAssembly.Module>()

/**
 * An instance of a compiled kernel (the text of lib/kernels/*.wasm.ts) over `memory`. The module is compiled once in a thread. What `memory`
 * holds and where is between the caller and the kernel: kernels allocate nothing.
 */
export function instantiateKernel<E extends { [name in keyof E]: (...values: number[]) => unknown }>(
  base64: string,
  memory: WebAssembly.Memory,
): E {
  let module = modules.get(base64)
  if (!module) {
    module = new WebAssembly.Module(Buffer.from(base64, 'base64'))
    modules.set(base64, module)
  }
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as E
}
