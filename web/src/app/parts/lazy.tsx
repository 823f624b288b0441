/** A component whose code is fetched when it is first shown. */

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

export function lazy<P extends object>(fetch: () => Promise<ComponentType<P>>): ComponentType<P> {
  let Known: ComponentType<P> | null = null;
  return function Lazy(props: P) {
    const [Loaded, setLoaded] = useState<ComponentType<P> | null>(() => Known);
    useEffect(() => {
      if (Loaded !== null) return;
      let wanted = true;
      void fetch().then((component) => {
        Known = component;
        if (wanted) setLoaded(() => component);
      });
      return () => {
        wanted = false;
      };
    }, [Loaded]);
    return Loaded === null ? null : <Loaded {...props} />;
  };
}
