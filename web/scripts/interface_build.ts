import type { BuildOptions } from "vite";

/** How the interface is built: for the served bundle and for its tests alike. */
export const interfaceBuild: BuildOptions = {
  target: "es2022",
  // Browsers with light-dark(), which the two palettes are written in.
  cssTarget: ["chrome123", "firefox120", "safari17.5"],
  // The policy allows no data: addresses.
  assetsInlineLimit: 0,
  modulePreload: { polyfill: false },
  sourcemap: false,
  rolldownOptions: {
    output: {
      // What the first screen needs is one file; the lazy screens share it.
      codeSplitting: {
        groups: [
          {
            name: "interface",
            test: /node_modules\/(?:@?preact|@preact)\/|src\/(?:messenger\.ts|app\/(?:parts\/(?!qr|scan)[a-z_]+|(?!emoji|pictures|recorder|scanner|passkey|codes)[a-z_]+|words\/(?:en|tongue|words))\.tsx?)$/,
          },
        ],
      },
    },
  },
};
