/**
 * The part of rclnodejs's addon that drives rcl's lifecycle state machine. rclnodejs itself only offers it
 * with synchronous callbacks.
 */
declare module 'rclnodejs/lib/native_loader.js' {
  interface StateOrTransition {
    readonly id: number;
    readonly label: string;
  }
  const native: {
    /** Throws if the current state has no such transition. */
    triggerLifecycleTransitionById(machine: unknown, id: number): StateOrTransition;
    triggerLifecycleTransitionByLabel(machine: unknown, label: string): StateOrTransition;
    /** Returns an empty object if the current state has no such transition. */
    getLifecycleTransitionByLabel(machine: unknown, label: string): Partial<StateOrTransition>;
  };
  export default native;
}
