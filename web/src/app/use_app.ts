/** What every component may ask for: the model, the words, the way around. */

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Messenger } from "../messenger.ts";
import type { Model } from "./model.ts";
import type { Navigation } from "./route.ts";
import type { Words } from "./words/words.ts";

export const ModelContext = createContext<Model | null>(null);

export interface App {
  readonly model: Model;
  readonly messenger: Messenger;
  readonly words: Words;
  readonly navigation: Navigation;
  /** The language's tag with a region, for Intl. */
  readonly tag: string;
}

export function useApp(): App {
  const model = useContext(ModelContext);
  if (model === null) throw new Error("no model above this component");
  return {
    model,
    messenger: model.messenger,
    words: model.words.value,
    navigation: model.navigation,
    tag: model.locale.value,
  };
}

/** What an asynchronous question answers; undefined until then. Asked again when `keys` change. */
export function useAnswer<T>(ask: () => Promise<T>, keys: readonly unknown[]): T | undefined {
  const [answer, setAnswer] = useState<T>();
  const { model } = useApp();
  useEffect(() => {
    let wanted = true;
    ask().then(
      (value) => wanted && setAnswer(() => value),
      (problem: unknown) => wanted && model.report(problem),
    );
    return () => {
      wanted = false;
    };
  }, keys);
  return answer;
}

/** An address for bytes or a blob while the component is there; undefined for none. */
export function useBlobUrl(
  data: Uint8Array | Blob | null | undefined,
  type = "",
): string | undefined {
  const [url, setUrl] = useState<string>();
  useEffect(() => {
    if (data === null || data === undefined) {
      setUrl(undefined);
      return;
    }
    const blob = data instanceof Blob ? data : new Blob([data as BlobPart], { type });
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [data, type]);
  return url;
}

/** Whether the window is as wide as two panes need. */
export function useWide(): boolean {
  const query = "(min-width: 760px)";
  const [wide, setWide] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const change = () => setWide(media.matches);
    media.addEventListener("change", change);
    return () => media.removeEventListener("change", change);
  }, []);
  return wide;
}
