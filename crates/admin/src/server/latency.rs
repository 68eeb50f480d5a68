//! LATENCY: what the latency monitor and the histograms of commands have seen.

use super::{Args, CmdError, CmdResult, Cx, OPERATOR, Outcome};
use engine::command::{Command, Flags, command, container, string};
use engine::latency::{Sample, Series};
use std::fmt::Write;

const SPECIAL: &[&str] =
    &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

pub(super) const LATENCY: Command = container("LATENCY", SUBCOMMANDS)
    .summary("Groups the commands that diagnose latency.")
    .since("2.8.13")
    .group("server")
    .complexity("That of the subcommand");

const SUBCOMMANDS: &[Command] = &[
    command("DOCTOR", doctor)
        .summary("Reports on latency in sentences.")
        .since("2.8.13")
        .group("server")
        .complexity("O(1)")
        .flags(OPERATOR)
        .tips(SPECIAL),
    command("GRAPH", graph)
        .summary("Draws the latency of an event over time.")
        .since("2.8.13")
        .group("server")
        .complexity("O(1)")
        .flags(OPERATOR)
        .tips(SPECIAL)
        .args(&[string("event")]),
    command("HISTOGRAM", histogram)
        .summary("Gives the cumulative distribution of the latencies of commands.")
        .since("7.0.0")
        .group("server")
        .complexity("O(N) for N commands that were called")
        .flags(OPERATOR)
        .tips(SPECIAL)
        .args(&[string("command").optional().many()]),
    command("HISTORY", history)
        .summary("Gives the samples of an event.")
        .since("2.8.13")
        .group("server")
        .complexity("O(1)")
        .flags(OPERATOR)
        .tips(SPECIAL)
        .args(&[string("event")]),
    command("LATEST", latest)
        .summary("Gives the last sample of every event.")
        .since("2.8.13")
        .group("server")
        .complexity("O(1)")
        .flags(OPERATOR)
        .tips(SPECIAL),
    command("RESET", reset)
        .summary("Forgets the samples of some events, or of all.")
        .since("2.8.13")
        .group("server")
        .complexity("O(1)")
        .flags(OPERATOR)
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum"])
        .args(&[string("event").optional().many()]),
    command("HELP", super::help)
        .summary("Describes the subcommands.")
        .since("2.8.13")
        .group("server")
        .complexity("O(1)")
        .flags(Flags::LOADING.or(Flags::STALE)),
];

fn history(cx: &mut Cx, args: Args) -> CmdResult {
    let series = cx.server.latency.event(args.at(2)).unwrap_or_default();
    cx.reply.array(series.samples.len());
    for Sample { unix_s, ms } in series.samples {
        cx.reply.array(2);
        cx.reply.integer(unix_s);
        cx.reply.integer(ms as i64);
    }
    Ok(Outcome::Done)
}

fn latest(cx: &mut Cx, _: Args) -> CmdResult {
    let events = cx.server.latency.all();
    cx.reply.array(events.len());
    for (event, series) in events {
        let last = series.samples.back().copied().unwrap_or(Sample { unix_s: 0, ms: 0 });
        cx.reply.array(4);
        cx.reply.bulk(event.as_bytes());
        cx.reply.integer(last.unix_s);
        cx.reply.integer(last.ms as i64);
        cx.reply.integer(series.worst_ms as i64);
    }
    Ok(Outcome::Done)
}

fn reset(cx: &mut Cx, args: Args) -> CmdResult {
    let names = args.from(2);
    let chosen =
        |event: &str| names.is_empty() || names.iter().any(|name| name == event.as_bytes());
    let count = cx.server.latency.reset(chosen);
    cx.reply.integer(count as i64);
    Ok(Outcome::Done)
}

fn histogram(cx: &mut Cx, args: Args) -> CmdResult {
    let registry = &cx.server.registry;
    let mut wanted = Vec::new();
    for name in args.from(2).iter() {
        let Some(command) = registry.find_full(name) else { continue };
        wanted.push(command);
        wanted.extend(command.subcommands.iter().map(|index| registry.get(*index)));
    }
    if args.len() == 2 {
        wanted.extend(registry.callable());
    }
    let figures = wanted.iter().map(|command| (command, cx.server.stats.command(command.index)));
    let known: Vec<_> = figures.filter(|(_, figures)| figures.latency.total() > 0).collect();
    cx.reply.map(known.len());
    for (command, figures) in known {
        let points = figures.latency.by_power_of_two_us();
        cx.reply.bulk(command.name.as_bytes());
        cx.reply.map(2);
        cx.reply.bulk(b"calls");
        cx.reply.integer(figures.latency.total() as i64);
        cx.reply.bulk(b"histogram_usec");
        cx.reply.map(points.len());
        for (us, count) in points {
            cx.reply.integer(us as i64);
            cx.reply.integer(count as i64);
        }
    }
    Ok(Outcome::Done)
}

fn graph(cx: &mut Cx, args: Args) -> CmdResult {
    let Some(series) = cx.server.latency.event(args.at(2)) else {
        let before = "ERR No samples available for event '";
        return Err(CmdError::quoting(before, args.at(2), "'"));
    };
    let now_s = cx.server.clock.unix_us() / 1_000_000;
    let text = draw(&String::from_utf8_lossy(args.at(2)), &series, now_s);
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

/// A column for each sample, oldest first, as high as its latency, with its age below.
fn draw(event: &str, series: &Series, now_s: i64) -> String {
    const ROWS: u64 = 4;
    /// Heights within a row, from low to high.
    const STEPS: [char; 3] = ['_', 'o', '#'];
    const HEIGHTS: u64 = ROWS * STEPS.len() as u64;
    let values = || series.samples.iter().map(|sample| sample.ms);
    let (high, low) = (values().max().unwrap_or(0), values().min().unwrap_or(0));
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{event} - high {high} ms, low {low} ms (all time high {} ms)\n{}",
        series.worst_ms,
        "-".repeat(80)
    );
    let span = (high - low).max(1);
    for row in (0..ROWS).rev() {
        for value in values() {
            let height = (value - low) * (HEIGHTS - 1) / span;
            let above = height.checked_sub(row * STEPS.len() as u64);
            text.push(match above {
                None => ' ',
                Some(step) => STEPS.get(step as usize).copied().unwrap_or('|'),
            });
        }
        text.push('\n');
    }
    text.push('\n');
    let ages: Vec<String> =
        series.samples.iter().map(|sample| age(now_s.saturating_sub(sample.unix_s))).collect();
    let lines = ages.iter().map(String::len).max().unwrap_or(0);
    for line in 0..lines {
        let column = |age: &String| char::from(age.as_bytes().get(line).copied().unwrap_or(b' '));
        text.extend(ages.iter().map(column));
        text.push('\n');
    }
    text
}

/// A number of seconds in its largest unit.
fn age(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

fn doctor(cx: &mut Cx, _: Args) -> CmdResult {
    let config = &cx.server.config;
    let threshold_ms = config.int(cx.server.ids.latency_monitor_threshold);
    let events = cx.server.latency.all();
    let mut text = String::new();
    if threshold_ms <= 0 && events.is_empty() {
        text.push_str(
            "The latency monitor is off. Switch it on with \"CONFIG SET latency-monitor-threshold \
             <milliseconds>\".\n",
        );
    } else if events.is_empty() {
        let _ = writeln!(text, "Nothing took longer than {threshold_ms} ms so far.");
    }
    for (event, series) in &events {
        let _ = writeln!(text, "{event}: {}", summary(series));
    }
    let slower_us = config.int(cx.server.ids.slowlog_slower_than);
    if threshold_ms > 0 && !events.is_empty() && !(0..=threshold_ms * 1000).contains(&slower_us) {
        let _ = writeln!(
            text,
            "The slow log misses what the monitor sees; \"CONFIG SET slowlog-log-slower-than {}\" \
             shows which commands they are.",
            threshold_ms.saturating_mul(1000)
        );
    }
    cx.reply.verbatim("txt", text.as_bytes());
    Ok(Outcome::Done)
}

fn summary(series: &Series) -> String {
    let count = series.samples.len().max(1) as u64;
    let mean = series.samples.iter().map(|sample| sample.ms).sum::<u64>() / count;
    let deviation =
        series.samples.iter().map(|sample| sample.ms.abs_diff(mean)).sum::<u64>() / count;
    format!(
        "spikes {count}, on average {mean} ms (mean deviation {deviation} ms), the worst {} ms.",
        series.worst_ms
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_graph_has_a_column_for_each_sample() {
        let samples = [(1, 10), (2, 50), (3, 300)].map(|(unix_s, ms)| Sample { unix_s, ms });
        let series = Series { samples: samples.into(), worst_ms: 300 };
        let text = draw("command", &series, 65);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "command - high 300 ms, low 10 ms (all time high 300 ms)");
        assert_eq!(&lines[2..6], ["  #", "  |", "  |", "_o|"]);
        assert_eq!(&lines[7..], ["111", "mmm"]);
    }

    #[test]
    fn one_sample_and_extreme_values_are_drawn() {
        for ms in [0, u64::MAX / 12] {
            let series = Series { samples: [Sample { unix_s: 1, ms }].into(), worst_ms: ms };
            assert!(draw("x", &series, 1).contains('_'));
        }
    }
}
