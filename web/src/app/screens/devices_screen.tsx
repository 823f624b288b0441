/** One's own devices: which there are, linking another, removing one. */

import { useState } from "preact/hooks";
import type { Device, LinkRequest } from "../../messenger.ts";
import { Dialog, Question } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { Qr } from "../parts/qr.tsx";
import { ScanDialog } from "../parts/scan_dialog.tsx";
import { ActionRow, Card, Field, Screen, Switch } from "../parts/screen.tsx";
import { longDate, utcDay } from "../times.ts";
import { useAnswer, useApp } from "../use_app.ts";
import { CopyLine } from "./new_conversation.tsx";

const DAY_MS = 86_400_000;

export function DevicesScreen() {
  const { model, messenger, words, navigation } = useApp();
  const devices = useAnswer(() => messenger.devices(), [model.devicesChanged.value]);
  const there = devices?.filter((each) => each.revokedMs === null) ?? [];
  const gone = devices?.filter((each) => each.revokedMs !== null) ?? [];
  const say = words.devices;
  return (
    <Screen title={say.title} up={{ at: "settings" }}>
      <p>{say.lead}</p>
      <Card>
        <ActionRow
          icon="plus"
          label={say.link}
          onClick={() => navigation.go({ at: "link-device" })}
        />
        <ul class="plain-list">
          {there.map((each) => (
            <DeviceRow key={each.id} device={each} />
          ))}
        </ul>
      </Card>
      {gone.length > 0 && (
        <Card title={say.gone}>
          <ul class="plain-list">
            {gone.map((each) => (
              <DeviceRow key={each.id} device={each} />
            ))}
          </ul>
        </Card>
      )}
    </Screen>
  );
}

function DeviceRow({ device }: { readonly device: Device }) {
  const { model, messenger, words, tag } = useApp();
  const [asked, setAsked] = useState<"rename" | "revoke" | null>(null);
  const [name, setName] = useState(device.name);
  const say = words.devices;
  const used =
    device.lastSeenMs === null ? say.never : say.lastUsed(utcDay(tag, device.lastSeenMs / DAY_MS));
  // This device is in use, whatever the server has noted of it.
  const unnoted = device.own && device.lastSeenMs === null;
  const rename = async () => {
    setAsked(null);
    await model.attempt(messenger.renameDevice(device.id, name.trim()));
  };
  return (
    <li class="row device">
      <Icon name="device" />
      <span class="row-text">
        <span>
          <bdi>{device.name}</bdi> {device.own && <span class="chip">{say.this}</span>}
        </span>
        {device.revokedMs !== null && <small>{say.revoked(longDate(tag, device.revokedMs))}</small>}
        {device.revokedMs === null && !unnoted && <small>{used}</small>}
        <small>{say.added(longDate(tag, device.addedMs), device.approvedBy)}</small>
        <small>
          <code dir="ltr">{device.id.slice(0, 16)}</code>
        </small>
      </span>
      {device.revokedMs === null && (
        <span class="button-row">
          {device.own && (
            <button
              type="button"
              class="icon-button"
              aria-label={`${say.rename}: ${device.name}`}
              title={say.rename}
              onClick={() => setAsked("rename")}
            >
              <Icon name="pen" size={18} />
            </button>
          )}
          {!device.own && (
            <button
              type="button"
              class="icon-button danger-text"
              aria-label={`${say.revoke}: ${device.name}`}
              title={say.revoke}
              onClick={() => setAsked("revoke")}
            >
              <Icon name="trash" size={18} />
            </button>
          )}
        </span>
      )}
      {asked === "rename" && (
        <Dialog
          title={say.rename}
          onClose={() => setAsked(null)}
          footer={
            <button
              type="button"
              class="button primary"
              disabled={name.trim() === ""}
              onClick={() => void rename()}
            >
              {words.common.save}
            </button>
          }
        >
          <Field label={say.name} value={name} onInput={setName} maxLength={60} autofocus />
        </Dialog>
      )}
      {asked === "revoke" && (
        <Question
          title={say.revokeQuestion(device.name)}
          text={say.revokeText}
          action={say.revoke}
          dangerous
          onAnswer={(yes) => {
            setAsked(null);
            if (yes) void model.attempt(messenger.revokeDevice(device.id));
          }}
        />
      )}
    </li>
  );
}

/** Two codes: ours leads the new device here, and the new device's asks to be listed. */
export function LinkDeviceScreen() {
  const { model, messenger, words, navigation } = useApp();
  const [scanning, setScanning] = useState(false);
  const [request, setRequest] = useState<(LinkRequest & { readonly text: string }) | null>(null);
  const line = useAnswer(() => messenger.makeDeviceInvite(), []);
  const say = words.devices;
  const read = async (text: string) => {
    setScanning(false);
    try {
      setRequest({ ...(await messenger.readLinkRequest(text)), text });
    } catch {
      model.say(say.notRequest);
    }
  };
  return (
    <Screen title={say.link} up={{ at: "devices" }}>
      <ol class="steps">
        <li>
          <p>{say.linkStep1}</p>
          {line !== undefined && (
            <>
              <Qr text={line} label={say.qrLabel} />
              <CopyLine text={line} />
            </>
          )}
        </li>
        <li>
          <p>{say.linkStep2}</p>
          <button type="button" class="button primary" onClick={() => setScanning(true)}>
            <Icon name="camera" size={18} />
            {say.scan}
          </button>
        </li>
      </ol>
      {scanning && (
        <ScanDialog
          title={say.scan}
          onFound={(text) => void read(text)}
          onClose={() => setScanning(false)}
        />
      )}
      {request !== null && (
        <Approval
          request={request}
          onClose={(approved) => {
            setRequest(null);
            if (!approved) return;
            model.say(say.approved);
            navigation.go({ at: "devices" }, { replace: true });
          }}
        />
      )}
    </Screen>
  );
}

function Approval(props: {
  readonly request: LinkRequest & { readonly text: string };
  readonly onClose: (approved: boolean) => void;
}) {
  const { model, messenger, words } = useApp();
  const [history, setHistory] = useState(true);
  const [busy, setBusy] = useState(false);
  const { request } = props;
  const say = words.devices;
  const approve = async () => {
    setBusy(true);
    const done = await model.attempt(
      messenger.approveDevice(request.text, history).then(() => true),
    );
    setBusy(false);
    if (done === true) props.onClose(true);
  };
  return (
    <Dialog
      title={say.compare(request.name)}
      onClose={() => props.onClose(false)}
      footer={
        <>
          <button type="button" class="button" onClick={() => props.onClose(false)}>
            {say.differs}
          </button>
          <button
            type="button"
            class="button primary"
            disabled={busy}
            onClick={() => void approve()}
          >
            {say.same}
          </button>
        </>
      }
    >
      <output class="digits large" dir="ltr">
        {request.code.split(" ").map((group, index) => (
          <span key={index}>{group}</span>
        ))}
      </output>
      <p>{say.compareText}</p>
      <Switch label={say.history} on={history} onChange={setHistory} />
    </Dialog>
  );
}
