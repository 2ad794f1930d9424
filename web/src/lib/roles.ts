// Each role has a colour of its own, the same everywhere: one of eight, by its name. The first
// letters stand beside the colour, so that it is never the only sign.

const KNOWN: Record<string, number> = {
  engineer: 0,
  qa: 1,
  architect: 2,
  manager: 3,
  human: 4,
  engine: 7,
};

/** Which of the role colours, 0 to 7, a role has. */
export function roleColour(role: string): number {
  const name = role.split(":")[0] ?? role;
  const known = KNOWN[name];
  if (known !== undefined) return known;
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.charCodeAt(0)) % 997;
  return 4 + (hash % 3);
}

/** Two letters for a role: `engineer` is `EN`, `security-reviewer` is `SR`. */
export function roleInitials(role: string): string {
  // Not to be taken for an engineer.
  if (role === "engine") return "OS";
  const parts = (role.split(":")[0] ?? role).split(/[-_ ]/).filter(Boolean);
  const [first, second] = parts;
  const letters = second ? `${first?.[0] ?? ""}${second[0] ?? ""}` : (first ?? "?").slice(0, 2);
  return letters.toUpperCase();
}
