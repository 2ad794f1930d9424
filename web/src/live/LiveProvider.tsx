// Keeps the query cache true while the app is open, and tells how the connection stands.

import { useQueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import type { PlanEvent } from "../api/types";
import { toast } from "../ui/Toaster";
import { alertWords } from "../lib/alerts";
import { apply } from "./apply";
import { openStream, type Connection } from "./stream";

const Context = createContext<Connection>("connecting");

/** How the connection to the server stands. */
export const useConnection = (): Connection => useContext(Context);

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(
    () =>
      openStream({
        connection: setConnection,
        events: (events) => {
          apply(client, events);
          for (const { topic, data } of events) {
            const words = topic === "alert" ? alertWords(data as PlanEvent) : null;
            if (words) toast(words);
          }
        },
        reset: () => void client.invalidateQueries(),
      }),
    [client],
  );
  return <Context value={connection}>{children}</Context>;
}
