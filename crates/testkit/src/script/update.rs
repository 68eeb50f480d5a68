//! Rewriting the expectations of a script from what a server answers.
//!
//! Only expectations that do not hold are touched, so matchers, comments and the breaking of
//! lines survive; a request that has no reply yet gets one.

use std::io;

use super::{Action, Script, run};
use crate::pattern::Pattern;
use crate::target::{Identity, Received, Target};
use crate::value::Value;

/// The text of the script with its expectations as `target` has them.
pub fn update(script: &Script, target: &mut dyn Target, identity: &Identity) -> io::Result<String> {
    let resp2 = run(script, target, identity, 2, true)?;
    let resp3 = run(script, target, identity, 3, true)?;
    let failed = |line: usize| {
        let place = format!("{}:{}", script.name, line + 1);
        resp2.failures.iter().chain(&resp3.failures).any(|failure| failure.place == place)
    };
    let mut out = Vec::new();
    let mut copied = 0;
    for (index, step) in script.steps.iter().enumerate() {
        let keep = match step.action {
            Action::Expect { .. } => !failed(step.lines.start),
            _ => true,
        };
        let end = if keep { step.lines.end } else { step.lines.start };
        out.extend_from_slice(&script.lines[copied..end]);
        copied = step.lines.end;
        let is_expectation = matches!(step.action, Action::Expect { .. });
        if !is_expectation || !keep {
            out.extend(expectations(resp2.recorded.get(&index), resp3.recorded.get(&index)));
        }
    }
    out.extend_from_slice(&script.lines[copied..]);
    Ok(out.join("\n") + "\n")
}

/// The lines for the replies of one step, as the two protocols had them.
fn expectations(resp2: Option<&Vec<Received>>, resp3: Option<&Vec<Received>>) -> Vec<String> {
    let (Some(resp2), Some(resp3)) = (resp2, resp3) else {
        let only = resp2.or(resp3).into_iter().flatten();
        return only.flat_map(|received| marked("<", &pattern(received))).collect();
    };
    let mut lines = Vec::new();
    for i in 0..resp2.len().max(resp3.len()) {
        match (resp2.get(i), resp3.get(i)) {
            (Some(a), Some(b)) => match merged(a, b) {
                Some(pattern) => lines.extend(marked("<", &pattern)),
                None => {
                    lines.extend(marked("<2", &pattern(a)));
                    lines.extend(marked("<3", &pattern(b)));
                }
            },
            (Some(a), None) => lines.extend(marked("<2", &pattern(a))),
            (None, Some(b)) => lines.extend(marked("<3", &pattern(b))),
            (None, None) => {}
        }
    }
    lines
}

fn merged(resp2: &Received, resp3: &Received) -> Option<Pattern> {
    match (resp2, resp3) {
        (Received::Reply(a), Received::Reply(b)) => Pattern::merged(a, b),
        (Received::Closed, Received::Closed) => Some(Pattern::Closed),
        _ => None,
    }
}

fn pattern(received: &Received) -> Pattern {
    match received {
        Received::Reply(Value::NullArray) => Pattern::Exact(Value::NullArray),
        Received::Reply(value) => Pattern::of(value),
        Received::Closed => Pattern::Closed,
        Received::Quiet => Pattern::Any,
    }
}

fn marked(marker: &str, pattern: &Pattern) -> Vec<String> {
    pattern.lines().iter().map(|line| format!("{marker} {line}")).collect()
}
