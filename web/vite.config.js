// The built files are committed under dist/ with fixed names, for the program embeds them; `npm run dev` shows the
// sources against a platform at TW_SERVER.
import { defineConfig } from "vite";

const target = process.env.TW_SERVER ?? "http://127.0.0.1:8088";
const platform = ["/ksql", "/live", "/v1", "/metrics", "/subjects", "/info", "/readyz"];

export default defineConfig({
  base: "/console/",
  build: {
    target: "es2022",
    modulePreload: false,
    cssMinify: true,
    rollupOptions: { output: { entryFileNames: "console.js", assetFileNames: "console[extname]" } },
  },
  server: { fs: { allow: [".."] }, proxy: Object.fromEntries(platform.map((path) => [path, target])) },
});
