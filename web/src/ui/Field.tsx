// Something to fill in: what it is called above it, what helps to fill it in below.

import { useId, type ComponentProps, type ReactNode } from "react";

interface Told {
  label: string;
  hint?: ReactNode;
}

interface Filled<T> extends Told {
  value: T;
  onChange: (value: T) => void;
}

type Other<E extends "input" | "textarea" | "select"> = Omit<
  ComponentProps<E>,
  "id" | "value" | "onChange"
>;

/** A line of text; `code` for what is written as it is: names, models, keys. */
export function TextField({
  label,
  hint,
  value,
  onChange,
  code = false,
  ...other
}: Filled<string> & Other<"input"> & { code?: boolean }) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <input
          {...ids}
          className={code ? "input code" : "input"}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          {...other}
        />
      )}
    </Field>
  );
}

/** Text of several lines. */
export function AreaField({
  label,
  hint,
  value,
  onChange,
  ...other
}: Filled<string> & Other<"textarea">) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <textarea
          {...ids}
          className="textarea"
          value={value}
          onChange={(event) => onChange(event.target.value)}
          {...other}
        />
      )}
    </Field>
  );
}

/** One of a few words; the children are its options, which have only values of `T`. */
export function SelectField<T extends string>({
  label,
  hint,
  value,
  onChange,
  ...other
}: Filled<T> & Other<"select">) {
  return (
    <Field label={label} hint={hint}>
      {(ids) => (
        <select
          {...ids}
          className="input"
          value={value}
          onChange={(event) => onChange(event.target.value as T)}
          {...other}
        />
      )}
    </Field>
  );
}

interface Ids {
  id: string;
  "aria-describedby"?: string;
}

function Field({ label, hint, children }: Told & { children: (ids: Ids) => ReactNode }) {
  const id = useId();
  const hintId = `${id}-hint`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children(hint ? { id, "aria-describedby": hintId } : { id })}
      {hint && (
        <span className="hint" id={hintId}>
          {hint}
        </span>
      )}
    </div>
  );
}
