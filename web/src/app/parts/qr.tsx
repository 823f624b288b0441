/** A QR code as one SVG path; black on white in every theme, so that cameras read it. */

import { useAnswer } from "../use_app.ts";

export function Qr(props: { readonly text: string; readonly label: string }) {
  const code = useAnswer(async () => {
    const { encodeQR } = await import("qr");
    return encodeQR(props.text, "raw", { ecc: "medium", border: 3 });
  }, [props.text]);
  const size = code?.length ?? 33;
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={props.label}
      shape-rendering="crispEdges"
    >
      <rect width={size} height={size} class="qr-light" />
      {code !== undefined && <path class="qr-dark" d={pathOf(code)} />}
    </svg>
  );
}

function pathOf(rows: readonly (readonly boolean[])[]): string {
  return rows
    .flatMap((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : "")))
    .join("");
}
