// A unified diff, each line with its sign as well as its colour.

export function Diff({ text }: { text: string }) {
  return (
    <pre className="diff" tabIndex={0} aria-label="Diff">
      {text
        .replace(/\n$/, "")
        .split("\n")
        .map((line, index) => (
          <span key={index} className={kind(line)}>
            {line || " "}
            {"\n"}
          </span>
        ))}
    </pre>
  );
}

function kind(line: string): string | undefined {
  if (line.startsWith("+++") || line.startsWith("---")) return "file";
  if (line.startsWith("@@")) return "hunk";
  if (line.startsWith("+")) return "add";
  return line.startsWith("-") ? "del" : undefined;
}
