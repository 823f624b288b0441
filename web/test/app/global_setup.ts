import { buildInterface } from "./browser.ts";

export default buildInterface;
