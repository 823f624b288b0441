/** Puts the interface over a messenger into a page. */

import "./style/base.css";
import "./style/parts.css";
import "./style/list.css";
import "./style/conversation.css";
import "./style/screens.css";
import { effect } from "@preact/signals";
import { render } from "preact";
import type { FirstLook } from "../client/first_look.ts";
import type { Messenger } from "../messenger.ts";
import { Application } from "./app.tsx";
import { watchInstall } from "./install.ts";
import { Model } from "./model.ts";
import { ModelContext } from "./use_app.ts";
import { chooseCatalogue } from "./words/words.ts";

/**
 * Shows the interface in an element. Resolves when the messenger has said what there is.
 *
 * With a `first` look it is shown by that at once; the messenger's answer counts when it comes.
 */
export async function start(
  root: Element,
  messenger: Messenger,
  first?: Promise<FirstLook>,
): Promise<Model> {
  const model = new Model(messenger);
  watchInstall();
  // The advice is not in the first file: nothing waits for it but who says that all is here.
  const advice = import("../protocol/codes.ts").then(({ ADVICE }) => {
    model.english.value = ADVICE;
  });
  const begun = model.begin();
  // A browser that keeps nothing says so to the worker too, which has the words for it.
  const looked = first?.then(
    (look) => model.expect(look),
    () => begun,
  );
  await Promise.race([begun, looked ?? begun]);
  await speak(model, model.settings.value.language);
  effect(() => dress(model));
  let spoken = model.settings.value.language;
  effect(() => {
    const wish = model.settings.value.language;
    if (wish === spoken) return;
    spoken = wish;
    void speak(model, wish);
  });
  watchIdle(model);
  watchPresence(model);
  render(
    <ModelContext.Provider value={model}>
      <Application />
    </ModelContext.Provider>,
    root,
  );
  await Promise.all([begun, advice]);
  return model;
}

/** Sets language and direction of page and words. */
async function speak(model: Model, wish: string | null): Promise<void> {
  const catalogue = chooseCatalogue(wish, navigator.languages);
  const words = await catalogue.fetch();
  const here = navigator.languages.find((each) => each.split("-")[0] === catalogue.tag);
  document.documentElement.lang = catalogue.tag;
  model.locale.value = here ?? catalogue.tag;
  document.documentElement.dir = words.direction;
  model.words.value = words;
}

/** Sets colours and text size of the page, and the colour of the window's frame. */
function dress(model: Model): void {
  const { theme, textSize } = model.settings.value;
  const { dataset } = document.documentElement;
  dataset["theme"] = theme;
  dataset["text"] = textSize;
  const dark =
    theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  for (const meta of document.querySelectorAll<HTMLMetaElement>("meta[name=theme-color]")) {
    meta.content = dark ? "#161b1e" : "#fcfbf9";
  }
}

/** Says whether somebody looks at this window; what becomes of it, the settings say. */
function watchPresence(model: Model): void {
  const tell = () => void model.messenger.setHere(document.visibilityState === "visible");
  document.addEventListener("visibilitychange", tell);
  tell();
}

/** Locks when nobody has touched this window for as long as the settings say. */
function watchIdle(model: Model): void {
  let last = Date.now();
  for (const kind of ["pointerdown", "keydown", "scroll", "focus"]) {
    addEventListener(
      kind,
      () => {
        last = Date.now();
      },
      { capture: true, passive: true },
    );
  }
  effect(() => {
    const minutes = model.settings.value.lockMinutes;
    const idle = model.nowMs.value - last;
    if (minutes > 0 && idle >= minutes * 60_000 && model.status.peek()?.state === "open") {
      void model.messenger.lock();
    }
  });
}
