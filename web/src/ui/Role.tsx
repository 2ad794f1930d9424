// A role with its mark. `human` is the person who looks.

import { roleColour, roleInitials } from "../lib/roles";

export function RoleMark({ role, big = false }: { role: string; big?: boolean }) {
  return (
    <span className={`role-mark role-${roleColour(role)}${big ? " big" : ""}`} aria-hidden="true">
      {roleInitials(role)}
    </span>
  );
}

export function Role({ role }: { role: string | null }) {
  if (!role) return <span className="quiet">no role yet</span>;
  return (
    <span className="role">
      <RoleMark role={role} />
      <span className="clip">{role === "human" ? "you" : role}</span>
    </span>
  );
}
