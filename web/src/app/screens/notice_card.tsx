/** A notice after a warrant, as a message from the service; its proof was verified on this device. */

import { useState } from "preact/hooks";
import type { Notice } from "../../messenger.ts";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { longDate, longTime, utcDay } from "../times.ts";
import { useApp } from "../use_app.ts";
import { saveBlob } from "./file_body.tsx";

export function NoticeCard({
  notice,
  timeMs,
}: {
  readonly notice: Notice;
  readonly timeMs: number;
}) {
  const { words, tag, navigation } = useApp();
  const [proof, setProof] = useState(false);
  const say = words.notice;
  const [first, last] = [utcDay(tag, notice.firstDay), utcDay(tag, notice.lastDay)];
  const metadata = notice.kind === "metadata";
  const text = metadata ? say.metadata : say.text;
  const title = metadata ? say.titleMetadata : say.title;
  return (
    <article class="notice-card" aria-label={title}>
      <h2>
        <Icon name="scale" />
        {title}
      </h2>
      <p>{text(notice.agency, first, last)}</p>
      <dl>
        <dt>{say.offence}</dt>
        <dd dir="auto">{notice.offence.replaceAll("-", " ")}</dd>
        <dt>{say.basis}</dt>
        <dd dir="auto">{notice.legalBasis}</dd>
        <dt>{say.gag}</dt>
        <dd>{longDate(tag, notice.gagEndMs)}</dd>
      </dl>
      <p class="verified-line">
        <Icon name="shieldCheck" size={18} />
        {say.verified(words.number(notice.logIndex))}
      </p>
      <div class="button-row">
        <button type="button" class="button" onClick={() => setProof(true)}>
          {say.proof}
        </button>
        <button type="button" class="button" onClick={() => navigation.go({ at: "trust" })}>
          {words.trust.title}
        </button>
      </div>
      <time dateTime={new Date(timeMs).toISOString()}>{longTime(tag, timeMs)}</time>
      {proof && <Proof notice={notice} onClose={() => setProof(false)} />}
    </article>
  );
}

function Proof({ notice, onClose }: { readonly notice: Notice; readonly onClose: () => void }) {
  const { words, messenger, model } = useApp();
  const say = words.notice;
  const save = async () => {
    const bytes = await model.attempt(messenger.noticeDocument(notice.id));
    if (bytes !== undefined) {
      saveBlob(new Blob([bytes as BlobPart]), `notice-${notice.warrant.slice(0, 12)}.jws.json`);
    }
  };
  return (
    <Dialog
      title={say.proofTitle}
      onClose={onClose}
      footer={
        <button type="button" class="button primary" onClick={() => void save()}>
          {say.save}
        </button>
      }
    >
      <p>{say.proofText}</p>
      <dl class="facts">
        <dt>{say.entry}</dt>
        <dd>{words.number(notice.logIndex)}</dd>
        <dt>{say.logSize}</dt>
        <dd>{words.trust.logSize(notice.logSize)}</dd>
        <dt>{say.signedBy}</dt>
        <dd>{notice.signers.map((each) => words.trust.roles[each] ?? each).join(", ")}</dd>
        <dt>{say.warrant}</dt>
        <dd class="hex">{notice.warrant}</dd>
      </dl>
      <p class="quiet">{say.saveHint}</p>
    </Dialog>
  );
}
