// Makes what the server says in clauses read as sentences, with its instants in the dashboard's form.
import { moment } from "./time";

const INSTANT = /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g;

/** A clause as a sentence; a name at its start, such as `eu-1-std-2`, keeps its spelling. */
export function sentence(clause: string, now: number): string {
  const told = clause.trim().replace(INSTANT, (instant) => moment(Date.parse(instant), now));
  const first = told.split(/\s/, 1)[0] ?? "";
  const begun = /^[a-z]+,?$/.test(first) ? told.charAt(0).toUpperCase() + told.slice(1) : told;
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}
