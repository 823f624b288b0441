/** Somebody's text as elements: formatted, linked, isolated in its direction; never as HTML. */

import type { Mention } from "../../messenger.ts";
import { parseText, type Span } from "../formatting.ts";
import { useApp } from "../use_app.ts";
import { memo } from "./memo.tsx";

export const RichText = memo(function RichText(props: {
  readonly text: string;
  readonly mentions?: readonly Mention[];
}) {
  return (
    <span class="rich">
      {parseText(props.text, props.mentions ?? []).map((span, index) => (
        <Piece key={index} span={span} />
      ))}
    </span>
  );
});

function Piece({ span }: { readonly span: Span }) {
  const { navigation, words } = useApp();
  switch (span.kind) {
    case "text":
      return <>{span.text}</>;
    case "code":
      return span.block ? (
        <pre>
          <code>{span.text}</code>
        </pre>
      ) : (
        <code>{span.text}</code>
      );
    case "link": {
      // A host that is not plain ASCII may look like another: its true name is said.
      const disguised = !span.text.toLowerCase().includes(span.host.toLowerCase());
      return (
        <>
          <a href={span.href} target="_blank" rel="noopener noreferrer nofollow">
            {span.text}
          </a>
          {disguised && (
            <small class="true-host"> ({words.conversation.safeLink(span.host)})</small>
          )}
        </>
      );
    }
    case "mention":
      return (
        <button
          type="button"
          class="mention"
          dir="auto"
          onClick={() => navigation.go({ at: "person", account: span.account })}
        >
          {span.text}
        </button>
      );
    case "bold":
      return <strong>{span.inner.map(piece)}</strong>;
    case "italic":
      return <em>{span.inner.map(piece)}</em>;
    default:
      return <s>{span.inner.map(piece)}</s>;
  }
}

function piece(span: Span, index: number) {
  return <Piece key={index} span={span} />;
}
