import { defineConfig } from "vite";

// `npm run dev` shows the page as it is written, with the API of a node that runs.
const node = process.env["HEDGEHOG_NODE"] ?? "http://127.0.0.1:8080";

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "dist/page",
    emptyOutDir: true,
    target: "es2023",
    // A file in a data: URL would need the page's policy to allow that.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { "/api": { target: node, ws: true, changeOrigin: true } } },
});
