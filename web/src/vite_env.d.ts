/** What Vite imports besides code. */
declare module "*.css";
