/**
 * The line that leads a further device to its account's deployment; public, it holds no secret.
 *
 * `<address>/#device.<base64url>` with the deployment and the handle, or what the Python client
 * prints: `<address>/#<deployment id in hexadecimal>`, without a handle.
 */

import { decodeBase64url, encodeBase64url } from "./documents.ts";
import { concat, Reader, u8, unhex, utf8 } from "./encoding.ts";
import { Malformed } from "./errors.ts";
import { DEPLOYMENT_SIZE, type DeploymentId } from "./identifiers.ts";
import * as limits from "./limits.ts";

const VERSION = 1;
const MARK = "/#device.";
const ADDRESS = 512;

/** Where a deployment is, which one, and whose further device is wanted there. */
export interface DeviceInvite {
  readonly address: string;
  readonly deployment: DeploymentId;
  readonly handle: string | null;
}

/** The line of an address, a deployment and a handle. */
export function encodeDeviceInvite(invite: DeviceInvite & { readonly handle: string }): string {
  const { address, deployment, handle } = invite;
  const data = concat(u8(VERSION), deployment, utf8(handle));
  return `${address.replace(/\/+$/, "")}${MARK}${encodeBase64url(data)}`;
}

/** Whether a line is of this kind, and not an invite for a newcomer. */
export function isDeviceInvite(text: string): boolean {
  return text.includes(MARK) || /\/#[0-9a-f]{64}$/.test(text.trim());
}

/** The device invite in a line. Throws Malformed. */
export function decodeDeviceInvite(text: string): DeviceInvite {
  const line = text.trim();
  const end = line.indexOf("/#");
  const address = line.slice(0, Math.max(end, 0));
  if (end < 0 || address.length > ADDRESS || !/^https?:\/\//.test(address)) {
    throw new Malformed("form", "not a line for a further device");
  }
  const rest = line.slice(end);
  if (!rest.startsWith(MARK)) {
    return { address, deployment: unhex(rest.slice(2)), handle: null };
  }
  if (rest.length > ADDRESS) throw new Malformed("size", "a line for a further device");
  const reader = new Reader(decodeBase64url(rest.slice(MARK.length)));
  if (reader.u8() !== VERSION) throw new Malformed("form", "a line for a further device");
  const deployment = reader.take(DEPLOYMENT_SIZE);
  const name = reader.rest();
  if (name.length === 0 || name.length > limits.HANDLE) throw new Malformed("size", "handle");
  try {
    const handle = new TextDecoder("utf-8", { fatal: true }).decode(name);
    return { address, deployment, handle };
  } catch {
    throw new Malformed("form", "handle");
  }
}
