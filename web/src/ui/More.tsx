// The end of a list that comes in parts: what comes next is asked for.

interface Props {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; fetchNextPage: () => unknown };
  label?: string;
}

export function More({ list, label = "Older ones" }: Props) {
  if (!list.hasNextPage) return null;
  return (
    <li className="list-note">
      <button
        type="button"
        className="btn s"
        disabled={list.isFetchingNextPage}
        onClick={() => void list.fetchNextPage()}
      >
        {label}
      </button>
    </li>
  );
}
