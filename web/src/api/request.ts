// Requests to API v1 of the server that served this page, and to no other host.
import { token } from "./token.svelte";
import type { Acknowledged, Problem } from "./types";

const ROOT = "api/v1/";

/** To have something done, or to take something back. */
export type Method = "POST" | "DELETE";

/** How the server said no, or that it could not be reached. */
export class Refusal extends Error {
  constructor(
    readonly asked: string,
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(`${title}: ${detail}`);
  }
}

let hasDeclined = false;

/** The answer for a resource, with the token where it is known. Throws a `Refusal` where there is no answer. */
export function open(path: string): Promise<Response> {
  return send(path, { headers: token.value ? { authorization: `Bearer ${token.value}` } : {} });
}

/** Reads a resource. Throws a `Refusal`. */
export async function read<T>(path: string): Promise<T> {
  let response = await open(path);
  // Where others than this machine are served, reading needs the token too; it is asked for once.
  if (response.status === 401 && !hasDeclined) {
    hasDeclined = (await token.ask()) === null;
    if (!hasDeclined) response = await open(path);
  }
  if (!response.ok) throw await refusal(path, response);
  return (await response.json()) as T;
}

/** Asks for something to be done; asks for the token where the server wants one. Throws a `Refusal`. */
export async function write(path: string, body?: object, method: Method = "POST"): Promise<Acknowledged> {
  let response = await post(path, body, method);
  // Until the token is right or the person gives up; the dialog says when the last one was wrong.
  while (response.status === 401 && (await token.ask())) response = await post(path, body, method);
  if (!response.ok) throw await refusal(path, response);
  return (await response.json()) as Acknowledged;
}

function post(path: string, body: object | undefined, method: Method): Promise<Response> {
  const headers: Record<string, string> = {};
  if (token.value) headers["authorization"] = `Bearer ${token.value}`;
  if (body) headers["content-type"] = "application/json";
  return send(path, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) });
}

async function send(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(ROOT + path, { ...init, cache: "no-store" });
  } catch {
    throw new Refusal(path, 0, "no answer", "the server cannot be reached; it may be restarting");
  }
}

async function refusal(path: string, response: Response): Promise<Refusal> {
  try {
    const problem = (await response.json()) as Problem;
    return new Refusal(path, response.status, problem.title, problem.detail);
  } catch {
    return new Refusal(path, response.status, `status ${response.status}`, response.statusText || "no reason was given");
  }
}
