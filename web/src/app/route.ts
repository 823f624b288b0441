/**
 * Where the interface stands, kept in the address's fragment: it never reaches a server, and the
 * browser's back button works. A fragment that does not begin with "/" is an invite.
 */

import { type Signal, signal } from "@preact/signals";

export type Route =
  | { readonly at: "home" }
  | { readonly at: "conversation"; readonly id: string; readonly message: string | null }
  | { readonly at: "info"; readonly id: string }
  | { readonly at: "person"; readonly account: string }
  | {
      readonly at:
        | "new"
        | "new-group"
        | "search"
        | "settings"
        | "devices"
        | "trust"
        | "link-device";
    };

const PLAIN = [
  "new",
  "new-group",
  "search",
  "settings",
  "devices",
  "trust",
  "link-device",
] as const;

/** The route of a fragment, with or without "#". What is unknown is home. */
export function readRoute(fragment: string): Route {
  const [, first = "", second = "", third = "", fourth = ""] = fragment
    .replace(/^#/, "")
    .split("/");
  const plain = PLAIN.find((each) => each === first);
  if (plain !== undefined) return { at: plain };
  if (first === "c" && isId(second)) {
    if (third === "info") return { at: "info", id: second };
    return {
      at: "conversation",
      id: second,
      message: third === "m" && isId(fourth) ? fourth : null,
    };
  }
  if (first === "p" && isId(second)) return { at: "person", account: second };
  return { at: "home" };
}

/** The fragment of a route, with "#". */
export function writeRoute(route: Route): string {
  switch (route.at) {
    case "home":
      return "#/";
    case "conversation":
      return `#/c/${route.id}${route.message === null ? "" : `/m/${route.message}`}`;
    case "info":
      return `#/c/${route.id}/info`;
    case "person":
      return `#/p/${route.account}`;
    default:
      return `#/${route.at}`;
  }
}

/** The invite in an address, or null: the fragment when it is no route. */
export function inviteIn(address: string): string | null {
  const [, fragment = ""] = address.split("#", 2);
  return fragment === "" || fragment.startsWith("/") ? null : address;
}

/** The route of this window; `go` changes it. */
export class Navigation {
  readonly route: Signal<Route> = signal(readRoute(location.hash));
  #depth = 0;

  constructor() {
    addEventListener("popstate", () => {
      this.#depth = Math.max(0, this.#depth - 1);
      this.route.value = readRoute(location.hash);
    });
  }

  /** Goes to a route; `replace` leaves no trace of the present one in the history. */
  go(route: Route, how: { readonly replace?: boolean } = {}): void {
    const fragment = writeRoute(route);
    if (fragment === location.hash) return;
    if (how.replace) history.replaceState(null, "", fragment);
    else {
      history.pushState(null, "", fragment);
      this.#depth += 1;
    }
    this.route.value = route;
  }

  /** Goes back where one came from; to `otherwise` when this window began here. */
  back(otherwise: Route = { at: "home" }): void {
    if (this.#depth > 0) history.back();
    else this.go(otherwise, { replace: true });
  }
}

function isId(text: string): boolean {
  return /^[a-z0-9-]{1,64}$/.test(text);
}
