// A menu behind a button.

import { DropdownMenu } from "radix-ui";
import { useRef, type ReactNode } from "react";
import { Icon, type IconName } from "./Icon";

export interface Item {
  label: string;
  icon?: IconName;
  onSelect: () => void;
  disabled?: boolean;
  danger?: boolean;
}

export function Menu({
  label,
  children,
  items,
}: {
  label: string;
  children?: ReactNode;
  items: Item[];
}) {
  const trigger = useRef<HTMLButtonElement>(null);
  const chosen = useRef<(() => void) | null>(null);
  // Done once the button has the focus again: a dialog gives it back to where it found it.
  const after = (event: Event) => {
    event.preventDefault();
    const action = chosen.current;
    chosen.current = null;
    trigger.current?.focus();
    action?.();
  };
  return (
    // Not modal: a modal menu would write a style element, which the content policy forbids.
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild ref={trigger}>
        {children ?? (
          <button type="button" className="btn icon" aria-label={label}>
            <Icon name="more" />
          </button>
        )}
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content
          className="menu"
          align="end"
          sideOffset={6}
          aria-label={label}
          onCloseAutoFocus={after}
        >
          {items.map((item) => (
            <DropdownMenu.Item
              key={item.label}
              disabled={item.disabled}
              onSelect={() => {
                chosen.current = item.onSelect;
              }}
              className={item.danger ? "tone-failed" : undefined}
            >
              {item.icon && <Icon name={item.icon} />}
              {item.label}
            </DropdownMenu.Item>
          ))}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
