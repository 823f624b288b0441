/** "Who can read this?": the charter in plain words, and what was done under it. The honest page. */

import type { ComponentChildren } from "preact";
import type { CommitteeFacts, Counted, LogFacts, MonthKey, Trust } from "../../messenger.ts";
import { committeeOf, contingencyOf } from "../contingency.ts";
import { ChangeList } from "../parts/change_list.tsx";
import { Icon } from "../parts/icon.tsx";
import { Card, Screen } from "../parts/screen.tsx";
import { longDate, monthName, nearTime } from "../times.ts";
import { useAnswer, useApp } from "../use_app.ts";

export function TrustScreen() {
  const { model, messenger, words } = useApp();
  const trust = useAnswer(() => messenger.trust(), [model.trustChanged.value]);
  return (
    <Screen title={words.trust.title}>
      {trust === undefined ? (
        <p class="quiet">{words.common.loading}</p>
      ) : (
        <TrustPage trust={trust} />
      )}
    </Screen>
  );
}

/** The page itself, also shown before somebody registers. */
export function TrustPage({ trust }: { readonly trust: Trust }) {
  const { words, model, tag } = useApp();
  const say = words.trust;
  const mine = committeeOf(trust);
  const escrow = trust.escrow === "threshold";
  const others = escrow ? trust.committees.filter((each) => each !== mine) : [];
  return (
    <div class="trust">
      <Answer trust={trust} committee={mine} />
      {mine?.escrow === "threshold" && (
        <>
          <Opened counted={mine.counted} />
          <Holders committee={mine} own={trust.mine !== null && others.length > 0} />
          <Limits committee={mine} />
        </>
      )}
      {others.map((each) => (
        <details key={each.number} class="card">
          <summary>
            <bdi>{each.name}</bdi> · <bdi>{each.jurisdiction}</bdi>
          </summary>
          {each.escrow === "threshold" ? (
            <>
              <Opened counted={each.counted} />
              <Holders committee={each} own={false} />
              <Limits committee={each} />
            </>
          ) : (
            <p class="padded">{words.rules.escrow["none"]}</p>
          )}
        </details>
      ))}
      <Card title={say.notProtected}>
        <ul class="bullets">
          {(escrow ? say.notProtectedList : say.notProtectedNone).map((each) => (
            <li key={each}>{each}</li>
          ))}
        </ul>
      </Card>
      <CharterCard trust={trust} />
      <Card title={say.logs}>
        <Log title={say.keyLog} log={trust.keyLog} />
        <Log title={say.lawLog} log={trust.lawLog} />
      </Card>
      <Card title={say.code}>
        <p class={`verdict ${trust.bundle.logged}`}>
          <Icon name={trust.bundle.logged === "logged" ? "shieldCheck" : "alert"} size={20} />
          {trust.bundle.logged === "logged"
            ? say.bundle.logged(words.number(trust.bundle.logIndex ?? 0))
            : say.bundle[trust.bundle.logged]}
        </p>
        <dl class="facts">
          <Fact label={say.version}>{trust.bundle.version}</Fact>
          <Fact label={say.hash}>
            <span class="hex">{trust.bundle.hash}</span>
          </Fact>
        </dl>
      </Card>
      <p class="quiet center">
        <Icon name="check" size={16} />{" "}
        {say.checked(nearTime(tag, trust.checkedMs, model.nowMs.value, words.list))}
      </p>
    </div>
  );
}

function Fact(props: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.label}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}

function Answer(props: { readonly trust: Trust; readonly committee: CommitteeFacts | undefined }) {
  const { words } = useApp();
  const { trust, committee } = props;
  const say = words.trust;
  const short = { own: say.short, others: say.shortOwnNone, none: say.shortNone };
  const contingency = contingencyOf(trust);
  const none = committee === undefined || committee.court === null;
  return (
    <section class="answer">
      <p class="answer-short">{short[contingency]}</p>
      {!none && committee !== undefined && (
        <div class="lock-picture">
          <Icon name="scale" size={30} />
          <p>
            {say.doubleLock(
              committee.threshold,
              committee.custodians.length,
              committee.court ?? "",
            )}
          </p>
        </div>
      )}
      {contingency !== "none" && <p>{say.exact}</p>}
      {contingency !== "none" && <p>{say.notice}</p>}
      <p>{say.operatorCannot(trust.operator)}</p>
    </section>
  );
}

function Opened({ counted }: { readonly counted: Counted }) {
  const { words } = useApp();
  const { trust: say, rules } = words;
  const { content, metadata } = counted;
  const rows: readonly (readonly [string, number])[] = [
    [say.filed, counted.filed],
    [say.approved, counted.approved],
    [say.refused, counted.refused],
    [say.cancelled, counted.cancelled],
    [say.lapsed, counted.lapsed],
    [say.requests, counted.requests],
    [say.labels, counted.labels],
    [say.accounts, counted.accounts],
    [say.releases, counted.releases],
    [say.notices, counted.notices],
    [say.overdue, counted.overdue],
  ];
  return (
    <Card title={say.opened}>
      <p class="opened">
        {content.warrants === 0
          ? rules.contentNone
          : rules.contentOpened(content.labels, content.accounts, content.warrants)}
      </p>
      <p class="padded">
        {metadata.warrants === 0
          ? rules.metadataNone
          : rules.metadataGiven(metadata.labels, metadata.accounts, metadata.warrants)}
      </p>
      <dl class="counts">
        {rows.map(([label, count]) => (
          <div key={label} class={label === say.overdue && count > 0 ? "bad" : ""}>
            <dd>{words.number(count)}</dd>
            <dt>{label}</dt>
          </div>
        ))}
      </dl>
      <p class="quiet padded">{say.openedHint}</p>
    </Card>
  );
}

function Holders({
  committee,
  own,
}: {
  readonly committee: CommitteeFacts;
  readonly own: boolean;
}) {
  const { words } = useApp();
  const say = words.trust;
  return (
    <Card title={say.whoHolds}>
      <p class="padded">
        <bdi>{committee.name}</bdi> · <bdi>{committee.jurisdiction}</bdi>{" "}
        {own && <span class="chip">{say.yours}</span>}
      </p>
      <Names
        icon="group"
        title={say.custodians(committee.threshold, committee.custodians.length)}
        names={committee.custodians}
      />
      {committee.court !== null && (
        <Names icon="scale" title={say.court} names={[committee.court]} />
      )}
      <h3>{say.approve}</h3>
      <Names icon="pen" title={say.ministers} names={committee.ministers} />
      <Names icon="pen" title={say.judges} names={committee.judges} />
      <h3>{say.agencies}</h3>
      <Names icon="person" title="" names={committee.agencies} />
    </Card>
  );
}

function Names(props: {
  readonly icon: "group" | "scale" | "pen" | "person";
  readonly title: string;
  readonly names: readonly string[];
}) {
  return (
    <div class="row names">
      <Icon name={props.icon} />
      <span class="row-text">
        {props.title !== "" && <small>{props.title}</small>}
        {props.names.map((each) => (
          <bdi key={each}>{each}</bdi>
        ))}
      </span>
    </div>
  );
}

function Limits({ committee }: { readonly committee: CommitteeFacts }) {
  const { words } = useApp();
  const say = words.trust;
  const { caps, counted } = committee;
  const roles = (names: readonly string[]) => names.map((each) => say.roles[each] ?? each);
  return (
    <Card title={say.limits}>
      <ul class="bullets">
        <li>
          {say.caps(caps.labels, caps.accounts)}
          <small>{say.capsUsed(counted.last30Days.labels, counted.last30Days.accounts)}</small>
        </li>
        <li>
          {say.retention(committee.retentionDays)}
          <small>
            {say.epochs(
              committee.epochsReady,
              committee.months.filter((each) => each.state === "destroyed").length,
            )}
          </small>
        </li>
        {committee.profiles.map((profile) => (
          <li key={profile.kind}>
            <strong>{say.kinds[profile.kind] ?? profile.kind}</strong>
            <small>{say.profile(roles(profile.approvals), profile.maxDays)}</small>
            {profile.offences.length > 0 && <small>{say.offences(plain(profile.offences))}</small>}
            <small>
              {say.gag(words.span(profile.gagMs / 1000), words.span(profile.noticeMs / 1000))}
            </small>
            <small>
              {profile.urgent.length === 0
                ? say.noUrgent
                : say.urgent(roles(profile.urgent), words.span(profile.urgentWindowMs / 1000))}
            </small>
          </li>
        ))}
      </ul>
      <Months months={committee.months} />
    </Card>
  );
}

/** What the charter names in one word, such as threat-to-life, as people write it. */
function plain(offences: readonly string[]): string[] {
  return offences.map((each) => each.replaceAll("-", " "));
}

function Months({ months }: { readonly months: readonly MonthKey[] }) {
  const { words, tag } = useApp();
  const { rules } = words;
  return (
    <details class="log">
      <summary>
        <Icon name="clock" size={18} />
        <span class="row-text">{rules.months}</span>
      </summary>
      <ul class="bullets months">
        {months.map((each) => (
          <li key={each.firstDay} class={each.state}>
            <strong>{monthName(tag, each.firstDay)}</strong>: {rules.month[each.state]}
            {each.custodiansDone + Number(each.courtDone) > 0 && (
              <small>{rules.monthDone(each.custodiansDone, each.courtDone)}</small>
            )}
            {each.preserved > 0 && <small>{rules.monthKept(each.preserved)}</small>}
          </li>
        ))}
      </ul>
    </details>
  );
}

function CharterCard({ trust }: { readonly trust: Trust }) {
  const { words, tag } = useApp();
  const say = words.trust;
  const { charter } = trust;
  return (
    <Card title={say.charter}>
      <p class="padded">
        <bdi>{trust.name}</bdi>. {say.charterNumber(charter.sequence)},{" "}
        {say.since(longDate(tag, charter.effectiveMs))}.{" "}
        {say.delay(words.span(charter.amendmentDelayMs / 1000))}.
      </p>
      {charter.upcoming !== null && (
        <div class="coming" role="status">
          <p class="warning">
            <Icon name="alert" size={20} />
            {say.upcoming(charter.upcoming.sequence, longDate(tag, charter.upcoming.effectiveMs))}
          </p>
          <ChangeList changes={charter.upcoming.changes} />
        </div>
      )}
      {charter.history.length > 0 && (
        <details class="log" open={charter.upcoming === null}>
          <summary>
            <Icon name="pen" size={18} />
            <span class="row-text">{words.rules.history}</span>
          </summary>
          {charter.history.map((each) => (
            <div key={each.sequence} class="past-change">
              <p class="padded">
                {say.charterNumber(each.sequence)}, {say.since(longDate(tag, each.effectiveMs))}
              </p>
              <ChangeList changes={each.changes} />
            </div>
          ))}
        </details>
      )}
      <dl class="facts">
        <Fact label={say.deployment}>
          <span class="hex">{trust.deployment}</span>
        </Fact>
        <Fact label={say.hash}>
          <span class="hex">{charter.hash}</span>
        </Fact>
      </dl>
    </Card>
  );
}

function Log({ title, log }: { readonly title: string; readonly log: LogFacts }) {
  const { words, model } = useApp();
  const say = words.trust;
  const seen = log.witnesses.filter((each) => each.cosigned).length;
  return (
    <details class="log">
      <summary>
        <Icon name={log.state === "good" ? "check" : "alert"} size={18} />
        <span class="row-text">
          <span>{title}</span>
          <small>
            {say.logState[log.state]} · {say.logSize(log.size)} ·{" "}
            {say.witnesses(log.quorum, seen, log.witnesses.length)}
          </small>
        </span>
      </summary>
      {log.refusal !== null && <p class="padded">{model.advice(log.refusal)}</p>}
      {log.void > 0 && <p class="padded">{say.logVoid(log.void)}</p>}
      <dl class="facts">
        <Fact label={say.root}>
          <span class="hex">{log.root}</span>
        </Fact>
      </dl>
      <ul class="plain-list">
        {log.witnesses.map((each) => (
          <li key={each.name} class="row">
            <Icon name={each.cosigned ? "check" : "clock"} size={18} />
            <span class="row-text hex">{each.name}</span>
          </li>
        ))}
      </ul>
    </details>
  );
}
