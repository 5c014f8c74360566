// The pages in the order of the menu, with their icons and the keys that jump to them.
import type { PageName } from "../route.svelte";
import type { IconName } from "../ui/Icon.svelte";

export interface PageEntry {
  page: PageName;
  href: string;
  text: string;
  short: string;
  icon: IconName;
  key: string;
}

export const PAGES: readonly PageEntry[] = [
  { page: "outlook", href: "#/", text: "Next 24 h", short: "24 h", icon: "outlook", key: "n" },
  { page: "workloads", href: "#/workloads", text: "Workloads", short: "Loads", icon: "workloads", key: "w" },
  { page: "hosts", href: "#/hosts", text: "Hosts", short: "Hosts", icon: "hosts", key: "h" },
  { page: "plans", href: "#/plans", text: "Plans", short: "Plans", icon: "plans", key: "p" },
  { page: "moves", href: "#/moves", text: "Moves", short: "Moves", icon: "moves", key: "m" },
  { page: "map", href: "#/map", text: "Map", short: "Map", icon: "map", key: "a" },
  { page: "log", href: "#/log", text: "Log", short: "Log", icon: "log", key: "l" },
];
