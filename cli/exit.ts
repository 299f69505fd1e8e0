/** How commands end. */

/** Documented statuses: scripts rely on them. */
export const EXIT = {
  ok: 0,
  /** Failed builds, or evaluation errors. *Not run* is counted, and no failure. */
  failed: 1,
  usage: 2,
  /** Not the packages' fault and not the caller's: no server, no set-up, a cancelled evaluation. */
  infrastructure: 3,
} as const;

export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

/** A command that cannot do what it was asked; the message is for a person. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';
  readonly status: ExitStatus;

  constructor(status: ExitStatus, message: string) {
    super(message);
    this.status = status;
  }
}
