// Plans for the specs.

const epic = (number: number, title: string, after: number[]): string => `
## EPIC-00${number}: ${title}

- Roles: engineer, qa
- depends_on: [${after.map((each) => `EPIC-00${each}`).join(", ")}]
- Key files: part-${number}.md

### Definition of Done

- [ ] The part is written down

### Acceptance Criteria

- [ ] Somebody else understands the part without asking
`;

export const BAKERY = `# Plan: Bakery orders

## Goal

A bakery takes orders for tomorrow's bread until six in the evening.
${epic(1, "Words and borders", [])}${epic(2, "Order form", [1])}${epic(3, "Baking list", [1])}${epic(4, "Closing time", [2, 3])}`;

/** A plan of two epics, one after the other. */
export const PAIR = `# Plan: Letters

## Goal

Whoever writes gets an answer.
${epic(1, "Letter box", [])}${epic(2, "Answers", [1])}`;

/** A plan of one epic, for what an agent might do in it. */
export const ONE = (title: string, goal: string): string => `# Plan: ${title}

## Goal

${goal}
${epic(1, title, [])}`;
