//! The steps of somebody who does the job.

use std::time::Duration;

use agent_client_protocol::Error;
use agent_client_protocol::v1::schema::{StopReason, ToolKind};
use serde_json::{Value, json};

use super::mischief;
use crate::agent::Stage;
use crate::compose::{self, Finding};
use crate::script::{Human, Memory, Nudge, Post, Progress, Step};
use crate::session::{Part, Session};
use crate::stream::Stream;
use crate::tools::{Answer, MEMORY, SKILLS, WARROOM};

/// A review reads no more than this of a deliverable.
const MAX_ARTIFACT_BYTES: usize = 1 << 20;

/// The pause between two looks for a file that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How a turn ends.
#[derive(Debug)]
pub(crate) enum TurnEnd {
    /// In order.
    Stopped(StopReason),
    /// With an error instead of an answer.
    Refused(Error),
}

/// What comes after a step.
#[derive(Debug)]
pub(super) enum Then {
    /// The next one.
    Next,
    /// The end of the turn; a further turn goes on with the next step.
    EndTurn,
    /// The end of the turn; a further turn repeats this step.
    EndTurnHere,
    /// An error; a further turn repeats this step.
    Refuse(Error),
}

/// Plays on from where the part stands.
pub(crate) async fn turn(
    stage: &Stage,
    session: &Session,
    stream: &Stream,
    part: &mut Part,
) -> TurnEnd {
    let mut player = Player { stage, session, stream, part };
    while let Some(step) = player.part.cue.steps.get(player.part.next).cloned() {
        tokio::time::sleep(stage.script.step_delay()).await;
        match player.step(&step).await {
            Then::Next => player.part.next += 1,
            Then::EndTurn => {
                player.part.next += 1;
                break;
            }
            Then::EndTurnHere => break,
            Then::Refuse(error) => return TurnEnd::Refused(error),
        }
    }
    TurnEnd::Stopped(StopReason::EndTurn)
}

/// Somebody who plays.
pub(super) struct Player<'a> {
    pub(super) stage: &'a Stage,
    pub(super) session: &'a Session,
    pub(super) stream: &'a Stream,
    pub(super) part: &'a mut Part,
}

impl Player<'_> {
    async fn step(&mut self, step: &Step) -> Then {
        match step {
            Step::Say(say) => self.stream.say(self.fill(&say.text)),
            Step::Think(think) => self.stream.think(self.fill(&think.text)),
            Step::Plan => self.stream.plan(&self.outline(), 0),
            Step::Wait(wait) => tokio::time::sleep(self.stage.script.paced(wait.ms)).await,
            Step::AwaitFile(file) => {
                while !file.path.exists() {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
            Step::Recall => self.recall().await,
            Step::LoadSkill => self.load_skill().await,
            Step::Remember(memory) => self.remember(memory).await,
            Step::ReadChannel => self.read_channel().await,
            Step::Progress(progress) => self.progress(progress).await,
            Step::Deliver => self.deliver().await,
            Step::Artifact(file) => {
                let content = self.fill(&file.content);
                self.write_artifact(&file.path, &content).await;
            }
            Step::Inspect => self.inspect().await,
            Step::Post(post) => self.post(post).await,
            Step::Verdict => self.verdict().await,
            Step::VerdictAgain => self.verdict_again().await,
            Step::AskPermission(ask) => {
                let answer =
                    match self.stream.ask_permission(&ask.title, ask.command.as_deref()).await {
                        Ok(Some(answer)) => answer,
                        Ok(None) => "nothing".to_owned(),
                        Err(error) => error.to_string(),
                    };
                self.stream.say(format!("The answer to \"{}\" was: {answer}\n", ask.title));
            }
            Step::AskHuman(ask) => self.ask_human(ask).await,
            Step::Silence(silence) => {
                return match silence.nudge {
                    Nudge::Answer => Then::EndTurn,
                    Nudge::Ignore => Then::EndTurnHere,
                };
            }
            fault => return mischief::commit(self, fault).await,
        }
        Then::Next
    }

    pub(super) fn fill(&self, text: &str) -> String {
        compose::fill(text, &self.part.contract, &self.part.task)
    }

    /// The steps that are shown as a plan.
    fn outline(&self) -> Vec<String> {
        let mut steps = vec!["Read the brief and what others left".to_owned()];
        steps.extend(self.part.task.points.iter().cloned());
        steps.push(format!("Answer {} criteria", self.part.contract.criteria.len()));
        steps
    }

    /// Calls a tool and shows it. `None` if there is no answer at all.
    async fn call(
        &self,
        server: &str,
        tool: &str,
        kind: ToolKind,
        arguments: Value,
    ) -> Option<Answer> {
        let Some(found) = self.session.servers.find(server) else {
            self.stream.think(format!("There is no server `{server}` in this session.\n"));
            return None;
        };
        let id = self.stream.tool_started(&format!("{server}: {tool}"), kind, &arguments);
        match found.call(tool, &arguments).await {
            Ok(answer) => {
                self.stream.tool_ended(id, answer.ok, &answer.value);
                Some(answer)
            }
            Err(error) => {
                self.stream.tool_ended(id, false, &json!(format!("{error:#}")));
                None
            }
        }
    }

    async fn recall(&mut self) {
        let contract = &self.part.contract;
        let keywords: Vec<&str> = self
            .part
            .task
            .title
            .split(|letter: char| !letter.is_alphanumeric())
            .filter(|word| word.chars().count() > 3)
            .take(8)
            .collect();
        let by_words = json!({ "brief_keywords": keywords, "max_entries": 10 });
        self.call(MEMORY, "get_context", ToolKind::Search, by_words).await;
        let by_tag = json!({ "tags": ["deliverable"], "exclude_room": contract.room, "limit": 10 });
        self.call(MEMORY, "query", ToolKind::Search, by_tag).await;
        if !self.part.task.title.is_empty() {
            let by_meaning = json!({ "text": self.part.task.title, "max_results": 5 });
            self.call(MEMORY, "search", ToolKind::Search, by_meaning).await;
        }
    }

    async fn load_skill(&mut self) {
        if let Some(name) = self.part.task.skills.first() {
            let wanted = json!({ "name": name });
            self.call(SKILLS, "load_skill", ToolKind::Read, wanted).await;
        }
    }

    async fn remember(&mut self, memory: &Memory) {
        let mut tags = memory.tags.clone();
        tags.push("rehearsed".to_owned());
        let entry = json!({
            "kind": memory.kind,
            "summary": self.fill(&memory.summary),
            "tags": tags,
            "ref": self.part.contract.reference,
        });
        self.call(MEMORY, "publish", ToolKind::Edit, entry).await;
    }

    async fn read_channel(&mut self) {
        self.call(WARROOM, "read_messages", ToolKind::Read, json!({ "last_n": 20 })).await;
        let latest = json!({ "type": "fix" });
        let answer = self.call(WARROOM, "get_latest", ToolKind::Read, latest).await;
        self.part.fix = answer
            .filter(|answer| answer.ok)
            .and_then(|answer| find_text(&answer.value, "body").map(str::to_owned));
    }

    async fn progress(&mut self, progress: &Progress) {
        let report = json!({
            "percent": progress.percent.min(100),
            "message": format!("[rehearsed] {}", self.fill(&progress.message)),
        });
        self.call(WARROOM, "report_progress", ToolKind::Other, report).await;
    }

    async fn deliver(&mut self) {
        let Part { contract, task, fix, .. } = &*self.part;
        let document = compose::deliverable(contract, task, fix.as_deref());
        let program = compose::program(contract);
        self.write_artifact(compose::DELIVERABLE, &document).await;
        self.write_artifact(compose::PROGRAM, &program).await;
        self.part.findings = compose::inspect(&self.part.contract, compose::DELIVERABLE, &document);
    }

    async fn write_artifact(&self, path: &str, content: &str) {
        let file = json!({ "path": path, "content": compose::marked(path, content) });
        self.call(WARROOM, "write_artifact", ToolKind::Edit, file).await;
    }

    async fn inspect(&mut self) {
        self.call(WARROOM, "list_artifacts", ToolKind::Read, json!({})).await;
        let text = self.read_artifact(compose::DELIVERABLE).await;
        let contract = &self.part.contract;
        self.part.findings = compose::inspect(contract, compose::DELIVERABLE, &text);
    }

    /// The text of an artifact, part by part; what can't be read is missing.
    async fn read_artifact(&self, path: &str) -> String {
        let mut text = String::new();
        while text.len() < MAX_ARTIFACT_BYTES {
            let part = json!({ "path": path, "offset": text.len() });
            let answer = self.call(WARROOM, "read_artifact", ToolKind::Read, part).await;
            let Some(Answer { ok: true, value }) = answer else { break };
            text.push_str(find_text(&value, "content").unwrap_or_default());
            if value.get("next_offset").and_then(Value::as_u64) != Some(text.len() as u64) {
                break;
            }
        }
        text
    }

    async fn post(&mut self, post: &Post) {
        let message = json!({
            "to": post.to,
            "type": post.kind,
            "ref": self.part.contract.reference,
            "body": format!("[rehearsed] {}", self.fill(&post.body)),
            "data": { "rehearsed": true },
        });
        self.call(WARROOM, "post_message", ToolKind::Other, message).await;
    }

    /// The verdict on a plan; an approval that is refused because there is nothing to approve yet
    /// is followed by epics for the goal.
    async fn plan_verdict(&mut self, plan_sha256: &str) {
        let answer = self.part.cue.verdict.plan.clone();
        let asked = answer.clone().unwrap_or_default();
        let written = match &asked.revision {
            Some(revision) => {
                self.write_artifact(compose::REVISED_PLAN, revision).await;
                Some(compose::REVISED_PLAN)
            }
            None => None,
        };
        let message = compose::plan_verdict(&self.part.contract, plan_sha256, &asked, written);
        if self.signal(message).await || answer.is_some() {
            return;
        }
        let plan = compose::epics_for(&self.part.task.plan_goal);
        self.write_artifact(compose::REVISED_PLAN, &plan).await;
        let written = Some(compose::REVISED_PLAN);
        let message = compose::plan_verdict(&self.part.contract, plan_sha256, &asked, written);
        self.signal(message).await;
    }

    async fn ask_human(&mut self, ask: &Human) {
        let mut question = json!({ "question": self.fill(&ask.question) });
        if let Some(seconds) = ask.timeout_seconds {
            question["timeout_seconds"] = json!(seconds);
        }
        let answer = self.call(WARROOM, "ask_human", ToolKind::Other, question).await;
        let text = answer.filter(|answer| answer.ok).and_then(|answer| {
            answer.value.get("answer").and_then(Value::as_str).map(str::to_owned)
        });
        self.stream.say(format!("The person said: {}\n", text.as_deref().unwrap_or("nothing")));
    }

    async fn verdict(&mut self) {
        let judges =
            self.part.cue.verdict.signal.is_none() && self.part.cue.verdict.fail_first == 0;
        if let Some(plan_sha256) = self.part.contract.plan_sha256.clone().filter(|_| judges) {
            return self.plan_verdict(&plan_sha256).await;
        }
        let Some(message) = self.decide().await else {
            self.stream.say("This state knows no signal that I could post.\n");
            return;
        };
        self.signal(message).await;
    }

    /// Posts a signal; says whether it was accepted.
    async fn signal(&mut self, message: Value) -> bool {
        let signal = message["type"].as_str().unwrap_or_default().to_owned();
        let answer = self.call(WARROOM, "post_message", ToolKind::Other, message.clone()).await;
        let accepted = answer.as_ref().is_some_and(|answer| answer.ok);
        self.part.posted = Some(message);
        self.stream.say(match answer {
            Some(Answer { ok: true, .. }) => format!("I posted `{signal}`.\n"),
            Some(Answer { value, .. }) => format!("`{signal}` was refused: {value}\n"),
            None => format!("`{signal}` could not be posted.\n"),
        });
        accepted
    }

    /// The message that ends this session.
    pub(super) async fn decide(&mut self) -> Option<Value> {
        let wanted = self.part.cue.verdict.clone();
        let earlier = match wanted.fail_first {
            0 => 0,
            _ => self.earlier_failures().await,
        };
        if self.part.contract.state_type == "review" && self.part.findings.is_empty() {
            self.part.findings = unseen(self.part);
        }
        let Part { contract, task, findings, .. } = &mut *self.part;
        if earlier < wanted.fail_first {
            spoil(findings, &wanted.unmet);
        }
        let all_met = findings.iter().all(|finding| finding.met);
        let signal = match &wanted.signal {
            Some(signal) => signal.as_str(),
            None if !all_met && contract.allows("fail") => "fail",
            None => contract.good_signal()?,
        };
        Some(compose::verdict(contract, task, signal, wanted.summary.as_deref(), findings))
    }

    /// How often this role has failed this room before.
    async fn earlier_failures(&self) -> u32 {
        let role = &self.part.contract.role;
        let wanted = json!({ "type": "fail", "from": role, "last_n": 100 });
        let answer = self.call(WARROOM, "read_messages", ToolKind::Read, wanted).await;
        let count = answer.filter(|answer| answer.ok).map_or(0, |answer| {
            answer.value.get("messages").and_then(Value::as_array).map_or(0, Vec::len)
        });
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    async fn verdict_again(&mut self) {
        if let Some(message) = self.part.posted.clone() {
            let answer = self.call(WARROOM, "post_message", ToolKind::Other, message).await;
            let accepted = answer.is_some_and(|answer| answer.ok);
            self.stream.say(format!("A second signal was accepted: {accepted}.\n"));
        }
    }
}

/// Findings of a review that looked at nothing: every criterion is taken as met.
fn unseen(part: &Part) -> Vec<Finding> {
    let findings = part.contract.criteria.iter().map(|criterion| Finding {
        id: criterion.id.clone(),
        met: true,
        evidence: "rehearsed: taken as met by the script".to_owned(),
    });
    findings.collect()
}

/// Makes the named findings unmet, or the first if none is named.
fn spoil(findings: &mut [Finding], unmet: &[String]) {
    let first = findings.first().map(|finding| finding.id.clone());
    let unmet: Vec<&String> =
        if unmet.is_empty() { first.iter().collect() } else { unmet.iter().collect() };
    for finding in findings.iter_mut().filter(|finding| unmet.contains(&&finding.id)) {
        finding.met = false;
        finding.evidence = "rehearsed: the script lets this review find it unmet".to_owned();
    }
}

/// The first text under `key`, at the top of a result or one level below.
fn find_text<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    let here = value.get(key).and_then(Value::as_str);
    here.or_else(|| {
        let below = value.as_object()?.values();
        below.filter_map(|value| value.get(key)).find_map(Value::as_str)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_at_the_top_or_one_level_below() {
        assert_eq!(find_text(&json!({"content": "a"}), "content"), Some("a"));
        assert_eq!(find_text(&json!({"message": {"body": "b"}}), "body"), Some("b"));
        assert_eq!(find_text(&json!({"message": null}), "body"), None);
    }

    #[test]
    fn a_review_is_spoilt_where_the_script_says_or_at_its_first_criterion() {
        let finding = |id: &str| Finding { id: id.into(), met: true, evidence: "seen".into() };
        let mut findings = [finding("AC-1"), finding("AC-2")];
        spoil(&mut findings, &[]);
        assert_eq!(findings.each_ref().map(|finding| finding.met), [false, true]);
        let mut findings = [finding("AC-1"), finding("AC-2")];
        spoil(&mut findings, &["AC-2".to_owned()]);
        assert_eq!(findings.each_ref().map(|finding| finding.met), [true, false]);
    }
}
