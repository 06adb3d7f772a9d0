/** Parts of the transpiler's library, as far as components without asynchronous functions need them. */

/** What stands in for functions of the transpiler's library: the part that a synchronous call needs. */
export const PLAIN: ReadonlyMap<string, string> = new Map(
  Object.entries({
    getOrCreateAsyncState: `
    const INSTANCE_STATES = new Map();
    class InstanceState {
      #index;
      #hasTrapped = false;
      constructor(index) { this.#index = index; }
      throwIfTrapped() {
        if (this.#hasTrapped) throw new WebAssemblyRuntimeError('wasm trap: cannot enter component instance');
      }
      markTrapped(error) {
        if (!(error instanceof WebAssemblyRuntimeError)) return false;
        _normalizeCoreTrap(error);
        this.#hasTrapped = true;
        return true;
      }
      set mayLeave(value) {
        const flags = INSTANCE_FLAGS.get(this.#index);
        if (flags !== undefined) flags.value = value ? 1 : 0;
      }
    }
    function getOrCreateAsyncState(index) {
      let state = INSTANCE_STATES.get(index);
      if (state === undefined) INSTANCE_STATES.set(index, state = new InstanceState(index));
      return state;
    }
    const CONTEXTS = [[0, 0]];
    function _beginTask() {
      CONTEXTS.splice(0, CONTEXTS.length, [0, 0]);
    }`,
    _symmetricSyncGuestCallEnter: `
    function _symmetricSyncGuestCallEnter(caller, calleeIsAsync) {
      if (calleeIsAsync) throw new WebAssemblyRuntimeError('wasm trap: the callee is asynchronous');
      CONTEXTS.push([0, 0]);
      return 1;
    }`,
    _symmetricSyncGuestCallExit: 'function _symmetricSyncGuestCallExit() { CONTEXTS.pop(); }',
    contextGet: 'function contextGet({ slot }) { return CONTEXTS[CONTEXTS.length - 1][slot]; }',
    contextSet: 'function contextSet({ slot }, value) { CONTEXTS[CONTEXTS.length - 1][slot] = value; }',
  }),
);
