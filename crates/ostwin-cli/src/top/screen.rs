//! What is to be seen, and what a key changes in it.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What is shown of the chosen room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pane {
    /// What the agents say to each other.
    #[default]
    Messages,
    /// What the last session did.
    Session,
    /// What happened to the plan.
    Events,
}

impl Pane {
    /// All of them, in the order of their numbers.
    pub(super) const ALL: [Self; 3] = [Self::Messages, Self::Session, Self::Events];

    /// Its name on the screen.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Session => "session",
            Self::Events => "events",
        }
    }

    fn next(self, step: usize) -> Self {
        let at = Self::ALL.iter().position(|pane| *pane == self).unwrap_or(0);
        Self::ALL.get((at + step) % Self::ALL.len()).copied().unwrap_or(self)
    }
}

/// What a key asks for beyond the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Nothing: another look at the same is enough.
    Draw,
    /// Another room or another pane is shown now.
    Read,
    /// The end.
    Leave,
    /// The key means nothing here.
    None,
}

/// What is chosen on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Screen {
    /// The chosen epic, by its place in the plan.
    pub(super) chosen: usize,
    /// What is shown of it.
    pub(super) pane: Pane,
    /// Lines between the end of the pane and what is shown; 0 follows what is new.
    pub(super) back: usize,
    /// Only the pane is shown.
    pub(super) only_pane: bool,
    /// The keys are explained.
    pub(super) help: bool,
}

impl Screen {
    /// Does what a key means. `epics` is how many there are, `page` how many lines of the pane
    /// are seen at once, `lines` how many it has.
    pub(super) fn press(&mut self, key: KeyEvent, epics: usize, page: usize, lines: usize) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::None;
        }
        if self.help {
            self.help = false;
            return Wish::Draw;
        }
        let last = epics.saturating_sub(1);
        let half = (page / 2).max(1);
        match (key.code, key.modifiers.contains(KeyModifiers::CONTROL)) {
            (KeyCode::Char('c' | 'd'), true) | (KeyCode::Char('q') | KeyCode::Esc, _) => {
                return Wish::Leave;
            }
            (KeyCode::Up | KeyCode::Char('k'), _) => {
                return self.choose(self.chosen.saturating_sub(1));
            }
            (KeyCode::Down | KeyCode::Char('j'), _) => {
                return self.choose((self.chosen + 1).min(last));
            }
            (KeyCode::Home | KeyCode::Char('g'), _) => return self.choose(0),
            (KeyCode::End | KeyCode::Char('G'), _) => return self.choose(last),
            (KeyCode::Tab | KeyCode::Right, _) => return self.turn_to(self.pane.next(1)),
            (KeyCode::BackTab | KeyCode::Left, _) => {
                return self.turn_to(self.pane.next(Pane::ALL.len() - 1));
            }
            (KeyCode::Char(number @ '1'..='3'), _) => {
                let at = usize::from(u8::try_from(number).unwrap_or(b'1') - b'1');
                return self.turn_to(Pane::ALL.get(at).copied().unwrap_or(self.pane));
            }
            (KeyCode::PageUp, _) => {
                self.back = (self.back + half).min(lines.saturating_sub(page));
            }
            (KeyCode::PageDown, _) => self.back = self.back.saturating_sub(half),
            (KeyCode::Enter, _) => self.only_pane = !self.only_pane,
            (KeyCode::Char('?' | 'h'), _) => self.help = true,
            _ => return Wish::None,
        }
        Wish::Draw
    }

    fn choose(&mut self, epic: usize) -> Wish {
        if epic == self.chosen {
            return Wish::None;
        }
        (self.chosen, self.back) = (epic, 0);
        Wish::Read
    }

    fn turn_to(&mut self, pane: Pane) -> Wish {
        if pane == self.pane {
            return Wish::None;
        }
        (self.pane, self.back) = (pane, 0);
        Wish::Read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(keys: &[KeyCode]) -> (Screen, Wish) {
        let mut screen = Screen::default();
        let mut wish = Wish::None;
        for key in keys {
            wish = screen.press(KeyEvent::from(*key), 3, 10, 24);
        }
        (screen, wish)
    }

    #[test]
    fn the_choice_stays_within_the_plan_and_begins_at_the_end_of_the_pane() {
        let down = KeyCode::Down;
        assert_eq!(pressed(&[down, down]).1, Wish::Read);
        assert_eq!(pressed(&[down, down, down, down]).0.chosen, 2);
        assert_eq!(pressed(&[KeyCode::Up]).1, Wish::None);
        let (screen, _) = pressed(&[KeyCode::PageUp, KeyCode::PageUp, KeyCode::PageUp]);
        assert_eq!(screen.back, 14);
        let (screen, _) = pressed(&[KeyCode::PageUp, KeyCode::Char('G')]);
        assert_eq!((screen.chosen, screen.back), (2, 0));
        let empty = Screen::default().press(KeyEvent::from(down), 0, 10, 0);
        assert_eq!(empty, Wish::None);
    }

    #[test]
    fn panes_go_round_and_have_numbers() {
        let (tab, back) = (KeyCode::Tab, KeyCode::BackTab);
        assert_eq!(pressed(&[tab, tab, tab]).0.pane, Pane::Messages);
        assert_eq!(pressed(&[back]).0.pane, Pane::Events);
        assert_eq!(
            pressed(&[KeyCode::Char('2')]),
            (Screen { pane: Pane::Session, ..Screen::default() }, Wish::Read,)
        );
    }

    #[test]
    fn any_key_ends_the_help_and_control_c_ends_everything() {
        let (screen, wish) = pressed(&[KeyCode::Char('?'), KeyCode::Char('q')]);
        assert_eq!((screen, wish), (Screen::default(), Wish::Draw));
        let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(Screen::default().press(key, 3, 10, 24), Wish::Leave);
    }
}
