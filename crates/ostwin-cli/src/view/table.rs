//! Tables of short values, one record a line.

use comfy_table::{ContentArrangement, Table};

use super::text;

/// A table with a head; cells of others' text are cleaned. Wider than `width` columns, the last
/// column is cut.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head.iter().map(|cell| cell.to_uppercase()));
    for row in rows {
        table.add_row(row.iter().map(|cell| text::one_line(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut out = String::new();
    for line in table.lines() {
        let line = line.trim_end();
        match width {
            Some(width) => out.push_str(&text::cut(line, width)),
            None => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

/// Names and values, one pair a line, values below each other. Pairs without a value are left out.
pub(crate) fn pairs(pairs: &[(&str, String)]) -> String {
    let shown = || pairs.iter().filter(|(_, value)| !value.is_empty());
    let width = shown().map(|(name, _)| text::width(name)).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value) in shown() {
        let value = text::block(value).replace('\n', &format!("\n{}", " ".repeat(width + 2)));
        out.push_str(&format!("{}  {value}\n", text::fill(name, width)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = vec![
            vec!["room-001".to_owned(), "EPIC-001".to_owned(), "A long title\nindeed".to_owned()],
            vec!["room-1000".to_owned(), "E".to_owned(), String::new()],
        ];
        insta::assert_snapshot!(table(&["room", "epic", "title"], &rows, Some(34)), @r"
        ROOM       EPIC      TITLE
        room-001   EPIC-001  A long title…
        room-1000  E
        ");
        let list = [("plan", "shop".to_owned()), ("none", String::new()), ("a", "x\ny".to_owned())];
        insta::assert_snapshot!(pairs(&list), @r"
        plan  shop
        a     x
              y
        ");
    }
}
