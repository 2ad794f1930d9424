// One setting: what it is called and means, its value with where that comes from, what can be done.

import type { ReactNode } from "react";
import { Ticks } from "./Ticks";

interface Props {
  name: ReactNode;
  doc?: string;
  value: ReactNode;
  source: string;
  action?: ReactNode;
}

export function SettingParts({ name, doc, value, source, action }: Props) {
  return (
    <>
      <div>
        {name}
        {doc && (
          <p className="small quiet">
            <Ticks text={doc} />
          </p>
        )}
      </div>
      <div>
        {value}
        <p className="small quiet">from {source}</p>
      </div>
      {action}
    </>
  );
}

/** A value as it is read and typed: words as they are, all else as JSON. */
export const settingText = (value: unknown): string =>
  typeof value === "string" ? value : value === undefined ? "" : JSON.stringify(value);
