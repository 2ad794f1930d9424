// One of a few things, each with what it means.

import { useId, type ReactNode } from "react";

interface Props<T extends string> {
  legend: string;
  options: { value: T; label: string; hint: ReactNode }[];
  /** The chosen one; none yet if null. */
  value: T | null;
  onChange: (value: T) => void;
}

export function Choice<T extends string>({ legend, options, value, onChange }: Props<T>) {
  const name = useId();
  return (
    <fieldset className="choice">
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option.value}>
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>
            <strong>{option.label}</strong>
            <span className="hint">{option.hint}</span>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
