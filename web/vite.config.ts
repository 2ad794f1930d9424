import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// Where `npm run dev` finds a running dashboard.
const backend = process.env["OSTWIN_DASHBOARD"] ?? "http://127.0.0.1:3366";

export default defineConfig({
  plugins: [react()],
  server: {
    port: 5173,
    // The dashboard refuses what comes from another origin: what this server passes on is its own.
    proxy: Object.fromEntries(
      ["/api", "/auth"].map((path) => [
        path,
        { target: backend, changeOrigin: true, headers: { origin: backend } },
      ]),
    ),
  },
  build: {
    target: "es2023",
    // An inlined font or image would need `data:` in more places of the content policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [{ name: "react", test: /node_modules\/(react|react-dom|scheduler)\// }],
        },
      },
    },
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"] },
});
