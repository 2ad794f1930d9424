// Keeps the query cache true while the app is open, and tells how the connection stands.

import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { createContext, useContext, useEffect, useState, type ReactNode } from "react";
import { keys } from "../api/queries";
import type { Page, PlanEvent, Summary } from "../api/types";
import { alertWords } from "../lib/alerts";
import { toast } from "../ui/Toaster";
import { changesFigures, hear } from "./apply";
import { atMostEvery } from "./atMostEvery";
import { same } from "./patch";
import type { Connection } from "./source";
import { openStream } from "./stream";

/** How often figures are counted anew at most: each time, all of a project is. */
const COUNT_MS = 5_000;

const Context = createContext<Connection>("connecting");

/** How the connection to the server stands. */
export const useConnection = (): Connection => useContext(Context);

type Alert = PlanEvent & { project: string; plan_id: string };

function tell(client: QueryClient, alert: Alert): void {
  const plans = client.getQueryData<Page<Summary>>(keys.plans)?.items;
  const plan = plans?.find((known) => same(known, alert))?.title ?? alert.plan_id;
  const words = alertWords(alert, plan);
  if (words) toast(words);
}

export function LiveProvider({ children }: { children: ReactNode }) {
  const client = useQueryClient();
  const [connection, setConnection] = useState<Connection>("connecting");
  useEffect(() => {
    const counting = atMostEvery(
      COUNT_MS,
      () => void client.invalidateQueries({ queryKey: keys.stats }),
    );
    const close = openStream({
      connection: setConnection,
      events: (events) => {
        hear(client, events);
        if (events.some(changesFigures)) counting.ask();
        for (const { topic, data } of events) {
          if (topic === "alert") tell(client, data as Alert);
        }
      },
      reset: () => void client.invalidateQueries(),
    });
    return () => {
      close();
      counting.cancel();
    };
  }, [client]);
  return <Context value={connection}>{children}</Context>;
}
