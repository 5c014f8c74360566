// How far a newcomer has come on the three steps, for as long as the tab is open.
import type { Move } from "../api/types";

class Progress {
  hasOpened = $state(false);
  hasApproved = $state(false);
  private waited = new Set<number>();

  /** Notices that a move which waited for approval no longer does, because somebody approved it. */
  see(moves: readonly Move[], isApprove: boolean): void {
    if (moves.some((move) => this.waited.has(move.id) && ["approved", "scheduled", "running"].includes(move.state))) this.hasApproved = true;
    this.waited = new Set(isApprove ? moves.filter((move) => move.state === "proposed").map((move) => move.id) : []);
  }
}

export const progress = new Progress();
