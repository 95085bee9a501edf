// Node has it since 22.1; the types in use are of an older version.
declare module 'module' {
  namespace Module {
    function enableCompileCache(folder?: string): { readonly status: number; readonly directory?: string };
  }
}
