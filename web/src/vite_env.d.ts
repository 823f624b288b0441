/** What Vite imports besides code. */
declare module "*.css";

/** The address of a worker that is built on its own. */
declare module "*?worker&url" {
  const address: string;
  export default address;
}
