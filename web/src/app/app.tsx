/** The whole interface: what stands before the messages, or two panes and what lies over them. */

import { useEffect, useRef, useState } from "preact/hooks";
import { contingencyOf } from "./contingency.ts";
import { GroupLinkQuestion } from "./group_link.tsx";
import { Logo } from "./parts/icon.tsx";
import { lazy } from "./parts/lazy.tsx";
import { inviteIn, type Route } from "./route.ts";
import { Alarms } from "./screens/alarms.tsx";
import { ConversationList } from "./screens/conversation_list.tsx";
import { ConversationScreen } from "./screens/conversation_screen.tsx";
// Not fetched later: whoever asks for it types at once.
import { SearchPane } from "./screens/search_pane.tsx";
import { UnlockScreen } from "./screens/unlock_screen.tsx";
import { useShortcuts } from "./shortcuts.ts";
import { useAnswer, useApp, useWide } from "./use_app.ts";

// What is not on the first screen comes when it is wanted.
const gates = () => import("./screens/gate_screens.tsx");
const LinkingScreen = lazy(async () => (await gates()).LinkingScreen);
const BrokenScreen = lazy(async () => (await gates()).BrokenScreen);
const WelcomeScreen = lazy(
  async () => (await import("./screens/welcome_screen.tsx")).WelcomeScreen,
);
const devices = () => import("./screens/devices_screen.tsx");
const DevicesScreen = lazy(async () => (await devices()).DevicesScreen);
const LinkDeviceScreen = lazy(async () => (await devices()).LinkDeviceScreen);
const InfoScreen = lazy(async () => (await import("./screens/info_screen.tsx")).InfoScreen);
const fresh = () => import("./screens/new_conversation.tsx");
const NewConversation = lazy(async () => (await fresh()).NewConversation);
const NewGroup = lazy(async () => (await fresh()).NewGroup);
const PersonScreen = lazy(async () => (await import("./screens/person_screen.tsx")).PersonScreen);
const SettingsScreen = lazy(
  async () => (await import("./screens/settings_screen.tsx")).SettingsScreen,
);
const Shortcuts = lazy(async () => (await import("./screens/shortcuts.tsx")).Shortcuts);
const TrustScreen = lazy(async () => (await import("./screens/trust_screen.tsx")).TrustScreen);

const TOAST_MS = 6_000;

export function Application() {
  const { model } = useApp();
  return (
    <>
      <Inside />
      <Toast />
      <div class="hidden" role="status" aria-live="polite">
        {model.spoken.value}
      </div>
    </>
  );
}

function Inside() {
  const { model } = useApp();
  const status = model.status.value;
  switch (status?.state) {
    case undefined:
      return <div class="gate" aria-busy="true" />;
    case "empty":
      return <WelcomeScreen />;
    case "locked":
      return <UnlockScreen handle={status.handle} lock={status.lock} />;
    case "linking":
      return <LinkingScreen offer={status.offer} />;
    case "broken":
      return <BrokenScreen refusal={status.refusal} />;
    case "open":
      return <Panes />;
  }
}

function Panes() {
  const { navigation, words } = useApp();
  const route = navigation.route.value;
  const wide = useWide();
  const [help, setHelp] = useState(false);
  useShortcuts(() => setHelp(true));
  const [invite] = useState(() => inviteIn(location.href));
  useTitle();
  const searching = route.at === "search";
  const listed = route.at === "home" || searching;
  const lastMain = useRef<Route>({ at: "home" });
  // While one searches, what stood beside it stays.
  if (!searching) lastMain.current = route;
  const list = searching ? <SearchPane /> : <ConversationList />;
  return (
    <div class="panes">
      {wide && (
        // biome-ignore lint/a11y/useValidAnchor: it leads within the page, whose fragment is the route
        <a class="skip" href="#main" onClick={skipToMain}>
          {words.common.toMessages}
        </a>
      )}
      {wide ? list : listed && <main>{list}</main>}
      {(wide || !listed) && (
        <main id="main" class="main-pane" tabIndex={-1}>
          <Main route={lastMain.current} onShortcuts={() => setHelp(true)} />
        </main>
      )}
      <Alarms />
      <GroupLinkQuestion invite={invite} />
      {help && <Shortcuts onClose={() => setHelp(false)} />}
    </div>
  );
}

function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Main(props: { readonly route: Route; readonly onShortcuts: () => void }) {
  const { route } = props;
  const { model } = useApp();
  switch (route.at) {
    case "conversation":
      if (!model.conversations.value.has(route.id)) return <Nothing />;
      return <ConversationScreen id={route.id} message={route.message} />;
    case "info":
      return <InfoScreen id={route.id} />;
    case "person":
      return <PersonScreen key={route.account} account={route.account} />;
    case "new":
      return <NewConversation />;
    case "new-group":
      return <NewGroup />;
    case "settings":
      return <SettingsScreen onShortcuts={props.onShortcuts} />;
    case "devices":
      return <DevicesScreen />;
    case "link-device":
      return <LinkDeviceScreen />;
    case "trust":
      return <TrustScreen />;
    default:
      return <Nothing />;
  }
}

function Nothing() {
  const { words, messenger } = useApp();
  const trust = useAnswer(() => messenger.trust(), []);
  return (
    <div class="nothing">
      <Logo size={96} />
      <p>{words.conversation.choose}</p>
      <small>
        {trust !== undefined &&
          {
            own: words.conversation.chooseHint,
            others: words.conversation.chooseOwnNone,
            none: words.conversation.chooseNone,
          }[contingencyOf(trust)]}
      </small>
    </div>
  );
}

function Toast() {
  const { model } = useApp();
  const text = model.toast.value;
  useEffect(() => {
    if (text === "") return;
    const timer = setTimeout(() => {
      model.toast.value = "";
    }, TOAST_MS);
    return () => clearTimeout(timer);
  }, [text, model]);
  return text === "" ? null : (
    <div class="toast" popover="manual" ref={(element) => element?.showPopover?.()}>
      {text}
    </div>
  );
}

/** The window's title counts what is unread; it says no name. */
function useTitle(): void {
  const { model, words } = useApp();
  const unread = model.unread.value;
  useEffect(() => {
    document.title = unread === 0 ? words.product : `(${words.number(unread)}) ${words.product}`;
    const badge = navigator as { setAppBadge?: (count: number) => Promise<void> };
    void badge.setAppBadge?.(unread).catch(() => undefined);
  }, [unread, words]);
}
