// One line of words in which `this` stands for code. Nothing else in it is markup.

import { Fragment } from "react";

export function Ticks({ text }: { text: string | null | undefined }) {
  const parts = (text ?? "").split(/`([^`]+)`/);
  return (
    <>
      {parts.map((part, index) =>
        index % 2 === 1 ? <code key={index}>{part}</code> : <Fragment key={index}>{part}</Fragment>,
      )}
    </>
  );
}
