// Where in the dashboard one is: a router over the fragment of the address, with filters in its query.

export type PageName = "outlook" | "workloads" | "hosts" | "plans" | "moves" | "map" | "log" | "nowhere";

export interface Place {
  page: PageName;
  id: string | null;
  query: URLSearchParams;
}

const PAGES: Record<string, PageName> = {
  "": "outlook", workloads: "workloads", hosts: "hosts", plans: "plans", moves: "moves", map: "map", log: "log",
};

/** The place that a fragment such as `#/hosts/eu-1?zone=a` names. */
export function parse(hash: string): Place {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [page = "", id = ""] = path.split("/");
  return { page: PAGES[page] ?? "nowhere", id: id ? decode(id) : null, query: new URLSearchParams(query) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

class Route {
  place = $state.raw<Place>(parse(location.hash));

  start(): void {
    addEventListener("hashchange", () => {
      const before = this.place;
      this.place = parse(location.hash);
      if (before.page !== this.place.page || before.id !== this.place.id) scrollTo(0, 0);
    });
  }

  /** Sets filters of the page that is open without a new entry in the browser's history. */
  filter(changes: Record<string, string | null>): void {
    const query = new URLSearchParams(this.place.query);
    for (const [name, value] of Object.entries(changes)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const path = location.hash.split("?")[0] || "#/";
    const text = query.toString();
    history.replaceState(null, "", text ? `${path}?${text}` : path);
    this.place = { ...this.place, query };
  }
}

export const route = new Route();

export const hostLink = (id: string): string => `#/hosts/${encodeURIComponent(id)}`;
export const workloadLink = (id: string): string => `#/workloads/${encodeURIComponent(id)}`;
export const planLink = (id: number): string => `#/plans/${id}`;
